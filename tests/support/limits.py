"""Two campaigns, six bundles and four samples, and two auditors who may see some of them."""

from dataclasses import dataclass
from datetime import timedelta

from app.audit import auditors, bundles, populations, sampling
from app.audit.auditors import Admission
from app.audit.domain import Population
from integration.audit.test_campaign_bundle import hold_campaign
from support.cast import Cast
from support.house import MORNING, TestHouse

TEN, TWELVE = MORNING + timedelta(hours=2), MORNING + timedelta(hours=4)
CONTROL, OTHER = "SOC2-CC6.3", "HIPAA-164.308-a-3-ii-C"


@dataclass(frozen=True)
class Held:
    """What there is.

    Attributes:
        cast: The cast.
        mine: The campaign that Carol may look at.
        other: One that she may not.
        bundles: Public ids of bundles by what they are about.
        samples: Public ids of samples by what they are about.
    """

    cast: Cast
    mine: str
    other: str
    bundles: dict[str, str]
    samples: dict[str, str]


def hold(house: TestHouse, cast: Cast) -> Held:
    """Let Carol in for one campaign, Mallory for one control in two hours."""
    made = []
    for name in ("Finance", "Sales"):
        house.clock.advance(timedelta(hours=3))
        made.append(hold_campaign(house, cast, name=name))
    house.clock.advance(timedelta(hours=1))
    wishes = {
        "mine": bundles.Wish(campaign=made[0]),
        "other": bundles.Wish(campaign=made[1]),
        "period": bundles.Wish(start=TEN, end=TWELVE),
        "control": bundles.Wish(start=TEN, end=TWELVE, controls=(CONTROL,)),
        "another control": bundles.Wish(start=TEN, end=TWELVE, controls=(OTHER,)),
        "earlier": bundles.Wish(start=MORNING, end=TWELVE, controls=(CONTROL,)),
    }
    drawn = {
        "mine": populations.SampleWish(Population.ITEMS, "s", campaign=made[0], size=2),
        "other": populations.SampleWish(Population.ITEMS, "s", campaign=made[1], size=2),
        "requests": populations.SampleWish(Population.REQUESTS, "s", None, TEN, TWELVE, size=2),
        "leavers": populations.SampleWish(Population.LEAVERS, "s", None, TEN, TWELVE, size=2),
    }
    with house.write() as uow:
        asked = {name: bundles.request(uow, wish).id for name, wish in wishes.items()}
        samples = {name: sampling.draw_sample(uow, wish).id for name, wish in drawn.items()}
        auditors.admit(uow, Admission("1003", campaigns=[made[0]]))
        auditors.admit(uow, Admission("1006", start=TEN, end=TWELVE, controls=[CONTROL]))
    house.tick()
    return Held(cast, made[0], made[1], asked, samples)
