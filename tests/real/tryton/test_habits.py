"""What Tryton does to those who believe it; docs/how-to/connect-tryton.md says the same."""

import pytest

from tests.real.tryton.instance import Tryton

pytestmark = pytest.mark.xdist_group("tryton")
NO_CONTEXT = {"X-Tryton-Context": ""}


def test_what_is_inactive_is_hidden_and_said_to_be_gone(tryton: Tryton) -> None:
    """Left out of a listing, and 404 to a delete, while it is there: `active_test` shows it."""
    party = tryton.made("party.party", {"name": "Hidden"})
    assert tryton("PUT", f"party.party/{party}", {"active": False}).status == 200
    plain = tryton("GET", "party.party", None, **NO_CONTEXT).json
    assert party not in [one["id"] for one in plain]
    assert party in [one["id"] for one in tryton("GET", "party.party").json]
    assert tryton("DELETE", f"party.party/{party}", None, **NO_CONTEXT).status == 404
    assert tryton("GET", f"party.party/{party}?f=active").status == 200
    assert tryton("DELETE", f"party.party/{party}").status == 204
    assert tryton("GET", f"party.party/{party}?f=active").status == 404


def test_values_have_a_class_and_durations_keep_their_fraction(tryton: Tryton) -> None:
    """Typed JSON; truth is 1 and 0 on SQLite; blanks around the name of a task go."""
    effort = {"__class__": "timedelta", "seconds": 5400.25}
    task = tryton.made("project.work", {"name": "  T  ", "type": "task", "effort_duration": effort})
    shown = tryton("GET", f"project.work/{task}?f=effort_duration&f=name&f=create_date").json
    assert (shown["effort_duration"], shown["name"]) == (effort, "T")
    assert shown["create_date"]["__class__"] == "datetime"
    assert tryton("PUT", f"project.work/{task}", {"effort_duration": {"seconds": 1}}).status == 500
    party = tryton.made("party.party", {"name": "One"})
    assert tryton("GET", f"party.party/{party}?f=active").json["active"] == 1
    for path in (f"project.work/{task}", f"party.party/{party}"):
        assert tryton("DELETE", path).status == 204


def test_errors_are_json_or_html(tryton: Tryton) -> None:
    """A refusal is a 400 with words; an unknown property is a 500 of HTML."""
    party = tryton.made("party.party", {"name": "One", "code": "C-77"})
    answer = tryton("POST", "party.party", {"name": "Two", "code": "C-77"})
    assert (answer.status, "must be unique" in answer.json["message"]) == (400, True)
    answer = tryton("PUT", f"party.party/{party}", {"no_such_field": 1})
    assert (answer.status, answer.headers["content-type"].split(";")[0]) == (500, "text/html")
    assert tryton("DELETE", f"party.party/{party}").status == 204


def test_no_stale_write_is_refused(tryton: Tryton) -> None:
    """The REST API has no version check: neither If-Match nor anything else holds a write back."""
    party = tryton.made("party.party", {"name": "One"})
    answer = tryton("PUT", f"party.party/{party}?f=name", {"name": "Two"}, **{"If-Match": '"0"'})
    assert (answer.status, answer.json["name"]) == (200, "Two")
    assert tryton("DELETE", f"party.party/{party}").status == 204
