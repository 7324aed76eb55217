"""Every form that any persona can reach by links, sent with what nobody should type.

Forms are found by following links through the demonstration company, one of each kind: a new form
is tried by itself. Whatever is typed, the answer is a page that says what is wrong or what was
done, never a failure of ours, and never what was typed as markup.
"""

from support.forms import forms
from support.walking import walk
from web.company import Company

SCRIPT = "<script>alert(1)</script>"
HOSTILE = {
    "nothing": "",
    "blanks": " \t ",
    "much": "x" * 5_000,
    "script": f"{SCRIPT}\"'--{{{{7*7}}}}${{7*7}}",
    "right to left, and beyond": "\u202e\u0645\u0631\u062d\u0628\u0627 \U0001f98a \u0000",
    "a number that is none": "-1e99",
}
NEVER = {"/sign-out", "/account/sessions/end"}  # they end the session that tries the others
MOST_FORMS = 30  # and there are more
REFUSED_OR_DONE = {200, 202, 303, 400, 403, 404, 409, 413, 415, 422}


def test_whatever_is_typed_into_a_form_is_refused_or_done_and_never_markup(
    company: Company,
) -> None:
    wrong: list[str] = []
    tried: set[str] = set(NEVER)
    for persona, visitor in company.people.items():
        found = forms(company.app, visitor)
        token = visitor.csrf("/account")
        for rule, form in sorted(found.items()):
            if rule in tried:
                continue
            tried.add(rule)
            for name, text in HOSTILE.items():
                typed = {
                    key: each.value if each.kind == "hidden" else text
                    for key, each in form.controls.items()
                    if key not in {"once", "csrf"}
                }
                answer = visitor.submit(form.action, typed, csrf=token)
                shown = answer.get_data()
                answer.close()
                where = f"{rule} of {form.page} for the {persona} with {name}"
                if answer.status_code not in REFUSED_OR_DONE:
                    wrong.append(f"{where}: {answer.status_code}")
                if SCRIPT.encode() in shown or b">49<" in shown:
                    wrong.append(f"{where}: shown as markup")
    assert len(tried) > MOST_FORMS, sorted(tried)
    assert not wrong, "\n".join(wrong)


def test_no_page_shows_as_markup_what_was_typed(company: Company) -> None:
    """What the forms before took in is shown by the lists now."""
    for visitor in company.people.values():
        assert [page for _, page, text in walk(company.app, visitor) if SCRIPT in text] == []
