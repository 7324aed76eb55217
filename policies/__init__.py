"""Judge: a verdict is a pure function of a policy text and of facts.

Nothing here reads a clock, a file (but the packaged starter policies), a database or a network.
So whoever holds the policy text and the facts of a decision can compute it again and compare:
`replay.replay(policy_text, facts_document)`.

Where to look: `document.read_policy` makes a policy set of a text, `facts` is everything a rule may
see, `engine.evaluate` judges, `verdict` is the answer with its reasons, `routing` says who must say
yes, `leaver` and `limits` judge what is taken away, `examples` runs a policy's own tests.
"""
