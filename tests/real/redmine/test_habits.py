"""What Redmine does to those who believe it; docs/how-to/connect-redmine.md says the same."""

import time
from collections.abc import Iterator
from typing import Any

import pytest

from tests.real.redmine.instance import Redmine

YEAR_2100 = "%3E%3D2100-01-01T00:00:00Z"


@pytest.fixture
def issue(redmine: Redmine) -> Iterator[dict[str, Any]]:
    """An issue in a project of its own."""
    project = redmine.made("/projects.json", {"project": {"name": "Habits", "identifier": "habits"}})
    told = {"project_id": project["id"], "subject": "Dig", "description": "a\nb"}
    yield redmine.made("/issues.json", {"issue": told})
    assert redmine("DELETE", f"/projects/{project['id']}.json").status == 204


@pytest.mark.parametrize("told", [{"status_id": 999}, {"no_such_field": "x"}, {"subject": "Dig"}, {}])
def test_a_204_that_changed_nothing(redmine: Redmine, issue: dict[str, Any], told: dict[str, Any]) -> None:
    """An unknown status, an unknown field, what is there already: no error and no change, but a later modification."""
    path = f"/issues/{issue['id']}.json"
    before = redmine("GET", path).json["issue"]
    time.sleep(1.1)  # times are of whole seconds
    assert redmine("PUT", path, {"issue": told}).status == 204
    after = redmine("GET", path).json["issue"]
    assert after.pop("updated_on") > before.pop("updated_on")
    assert after == before


def test_the_dates_of_a_parent_are_those_of_its_children(redmine: Redmine, issue: dict[str, Any]) -> None:
    """A date that is written to the parent is answered with 204, and not kept."""
    path, child = f"/issues/{issue['id']}.json", {"project_id": issue["project"]["id"], "subject": "Part"}
    dates = {"start_date": "2026-03-02", "due_date": "2026-03-04"}
    redmine.made("/issues.json", {"issue": {**child, **dates, "parent_issue_id": issue["id"]}})
    assert redmine("PUT", path, {"issue": {"due_date": "2026-05-05"}}).status == 204
    found = redmine("GET", path).json["issue"]
    assert {name: found[name] for name in dates} == dates


def test_a_filter_by_modification_is_ignored_for_time_entries(redmine: Redmine, issue: dict[str, Any]) -> None:
    """Time entries are not filtered by `updated_on`, so all of them are read."""
    told = {"issue_id": issue["id"], "hours": 1, "spent_on": "2026-11-02"}
    activities = redmine("GET", "/enumerations/time_entry_activities.json").json["time_entry_activities"]
    redmine.made("/time_entries.json", {"time_entry": {**told, "activity_id": activities[0]["id"]}})
    assert redmine("GET", f"/time_entries.json?updated_on={YEAR_2100}").json["total_count"] > 0


def test_a_stale_version_looks_like_a_validation_error_without_errors(redmine: Redmine, issue: dict[str, Any]) -> None:
    """And the version is not shown, so that nobody can send the right one."""
    path = f"/issues/{issue['id']}.json"
    assert "lock_version" not in redmine("GET", path).json["issue"]
    redmine("PUT", path, {"issue": {"subject": "Dig again"}})
    answer = redmine("PUT", path, {"issue": {"subject": "Dig on", "lock_version": 0}})
    assert (answer.status, answer.json) == (422, {"errors": []})


def test_a_filter_that_is_ignored_without_an_error(redmine: Redmine, issue: dict[str, Any]) -> None:
    """`updated_on` works for issues, not for projects."""
    assert redmine("GET", f"/issues.json?status_id=*&updated_on={YEAR_2100}").json["total_count"] == 0
    assert redmine("GET", f"/projects.json?updated_on={YEAR_2100}").json["total_count"] > 0


def test_a_custom_field_is_a_filter(redmine: Redmine, issue: dict[str, Any]) -> None:
    """By its number, and really: another value finds nothing."""
    field = redmine.key_field
    told = {"custom_fields": [{"id": field, "value": "token-1"}]}
    assert redmine("PUT", f"/issues/{issue['id']}.json", {"issue": told}).status == 204
    for value, times in (("token-1", 1), ("token-2", 0)):
        assert redmine("GET", f"/issues.json?status_id=*&cf_{field}={value}").json["total_count"] == times


def test_what_is_hidden_and_what_is_gone(redmine: Redmine, issue: dict[str, Any]) -> None:
    """Closed issues are left out of a listing by default; archived ones are 403; deleted ones 404."""
    path, project = f"/issues/{issue['id']}.json", issue["project"]["id"]
    redmine("PUT", path, {"issue": {"status_id": 5}})
    assert redmine("GET", f"/issues.json?project_id={project}").json["total_count"] == 0
    assert redmine("GET", f"/issues.json?project_id={project}&status_id=*").json["total_count"] == 1
    redmine("PUT", f"/projects/{project}/archive.json")
    assert [redmine("GET", where).status for where in (path, f"/projects/{project}.json")] == [403, 403]
    redmine("PUT", f"/projects/{project}/unarchive.json")
    assert redmine("DELETE", path).status == 204
    assert redmine("GET", path).status == 404


def test_values_that_redmine_changes_or_refuses(redmine: Redmine, issue: dict[str, Any]) -> None:
    """CRLF, a start date of today, no negative hours; blanks around a subject stay."""
    assert issue["description"] == "a\r\nb"
    assert issue["start_date"] == issue["created_on"][:10]
    path = f"/issues/{issue['id']}.json"
    assert redmine("PUT", path, {"issue": {"estimated_hours": -1}}).status == 422
    redmine("PUT", path, {"issue": {"subject": "  Dig "}})
    assert redmine("GET", path).json["issue"]["subject"] == "  Dig "


def test_the_last_id_is_given_again(redmine: Redmine, issue: dict[str, Any]) -> None:
    """On SQLite."""
    redmine("DELETE", f"/issues/{issue['id']}.json")
    again = redmine.made("/issues.json", {"issue": {"project_id": issue["project"]["id"], "subject": "Other"}})
    assert again["id"] == issue["id"]
