"""The list of accounts as a file is a sheet: sent back it changes nothing, filled in it does."""

import io
import re

from support.cast import PEOPLE, Cast
from support.visitor import Visitor, token_of

PAGE = "/accounts/sheet"


def sent(olga: Visitor, text: str) -> str:
    token = token_of(olga.page(PAGE))
    answer = olga.client.post(
        f"{PAGE}/preview",
        data={"csrf": token, "sheet": (io.BytesIO(text.encode()), "accounts.csv")},
        headers={"Sec-Fetch-Site": "same-origin"},
    )
    assert answer.status_code == 200
    return answer.get_data(as_text=True)


def test_the_list_as_a_file_sent_back_changes_nothing_and_filled_in_it_does(cast: Cast) -> None:
    olga = Visitor(cast.house.app()).sign_in(cast.house.tx, PEOPLE["olga"][0])
    listed = olga.submit("/accounts/file", {}, on="/accounts").get_data(as_text=True)
    assert 'name="digest"' not in sent(olga, listed)
    text = "source,login,type,owner\ncorp,mallory,privileged,1002\n"
    shown = sent(olga, text)
    (digest,) = re.findall(r'name="digest" value="([0-9a-f]{64})"', shown)
    answer = olga.submit(PAGE, {"sheet": text, "digest": digest}, on=PAGE)
    assert answer.status_code == 303
    (found,) = cast.call("olga").get("/accounts?which=privileged")["items"]
    assert (found["login"], found["owner_name"]) == ("mallory", "Bob")
