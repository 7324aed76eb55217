"""The answers to every line of the checklist, by its groups."""

from app.audit.evaluating.answers.custody import CustodyAnswers
from app.audit.evaluating.answers.identification import IdentificationAnswers
from app.audit.evaluating.answers.population import PopulationAnswers
from app.audit.evaluating.answers.provisioning import ProvisioningAnswers
from app.audit.evaluating.answers.removals import RemovalAnswers
from app.audit.evaluating.answers.reviewing import ReviewingAnswers


class AllAnswers(
    IdentificationAnswers,
    PopulationAnswers,
    ReviewingAnswers,
    RemovalAnswers,
    ProvisioningAnswers,
    CustodyAnswers,
):
    """Answers each line of the checklist."""
