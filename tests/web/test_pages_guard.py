from support.cast import Cast
from support.house import TestHouse


def test_whoever_is_not_signed_in_is_led_to_the_sign_in_page(house: TestHouse) -> None:
    answer = house.visitor().get("/sign-in?next=//evil.example")
    assert answer.status_code == 200


def test_a_link_signs_a_person_in(house: TestHouse, cast: Cast) -> None:
    visitor = house.visitor(cast.identity("alice").public_id)
    assert visitor.get("/sign-in").status_code == 303
