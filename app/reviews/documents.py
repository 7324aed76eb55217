"""A campaign, and what a launch would mean, as one document: for the API, pages and commands."""

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


def preview_document(planned: service.Preview) -> dict[str, Any]:
    """Return what a launch would mean as one document."""
    items = planned.items
    return {
        "population": planned.population,
        "items": items,
        "excluded": [
            {"rule": rule, "reason": population.REASONS[rule], "memberships": count}
            for rule, count in sorted(planned.excluded.items())
        ],
        "snapshot": planned.runs,
        "reviewers": [
            {
                "id": planned.people[key].public_id,
                "name": planned.people[key].display_name,
                "items": count,
                "is_reachable": planned.people[key].mail is not None,
            }
            for key, count in sorted(planned.reviewers.items())
        ],
        "if_all_revoked": {
            "removals": items - planned.guarded,
            "not_removable": planned.guarded,
            "unanswered": 0,
        },
        "if_nobody_answers": {"removals": 0, "not_removable": 0, "unanswered": items},
    }
