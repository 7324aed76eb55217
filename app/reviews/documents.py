"""A campaign, and what a launch would mean, as one document: for the API, pages and commands."""

from collections import Counter
from typing import Any

from app.reviews import population, queries, service


def detail(found: queries.CampaignDetail) -> dict[str, Any]:
    """Return a campaign as one document."""
    return {
        **{name: getattr(found.row, name) for name in found.row.__slots__},
        "snapshot": found.snapshot,
        "population_digest": found.population_digest,
        "progress": found.progress,
        "excluded": found.excluded,
    }


def preview_document(launched: service.Launch) -> dict[str, Any]:
    """Return what a launch would mean as one document."""
    items = len(launched.items)
    rules = Counter(each.rule or "" for each in launched.excluded)
    return {
        "population": len(launched.found),
        "items": items,
        "excluded": [
            {"rule": rule, "reason": population.REASONS[rule], "memberships": count}
            for rule, count in sorted(rules.items())
        ],
        "snapshot": launched.runs,
        "reviewers": [
            {
                "id": launched.people[key].public_id,
                "name": launched.people[key].display_name,
                "items": count,
                "is_reachable": launched.people[key].mail is not None,
            }
            for key, count in sorted(launched.reviewers.items())
        ],
        "if_all_revoked": {
            "removals": items - launched.guarded,
            "not_removable": launched.guarded,
            "unanswered": 0,
        },
        "if_nobody_answers": {"removals": 0, "not_removable": 0, "unanswered": items},
    }
