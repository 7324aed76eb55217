"""ACT: plans and tasks that bring the directories into line, and read it back."""
