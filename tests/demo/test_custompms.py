"""CustomPMS behaves as its vendor says, and misbehaves when told to."""

import hashlib
import hmac
import http.client
import http.server
import json
import re
import threading
import time
import urllib.error
import urllib.request

import pytest

STAMP = re.compile(r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$")


def test_a_created_customer_has_a_number_times_in_utc_and_an_etag(pms):
    """What comes back is the record, with what the system added."""
    made = pms("POST", "/customers", {"name": "Ærfugl", "org_number": "001", "contact": {"email": "a@example.org"}})
    assert (made.status, made.body["id"], made.headers["ETag"]) == (201, 1, made.body["etag"])
    assert made.body["contact"] == {"name": None, "email": "a@example.org"}
    assert STAMP.match(made.body["created_at"])
    assert pms("GET", "/customers/1").body == made.body
    assert pms("GET", "/customers/2").status == 404


def test_pages_have_numbers_and_know_the_total(pms):
    """Five records in pages of two are three pages."""
    for n in range(5):
        pms("POST", "/customers", {"name": f"c{n}"})
    page = pms("GET", "/customers?page=3&per_page=2").body
    assert page["meta"] == {"page": 3, "per_page": 2, "total": 5, "pages": 3}
    assert [c["name"] for c in page["data"]] == ["c4"]
    assert page["data"][0]["etag"] == pms("GET", "/customers/5").headers["ETag"]
    assert pms("GET", "/customers?per_page=99999").body["meta"]["per_page"] == 1000


def test_updated_since_is_inclusive_and_understands_offsets(pms):
    """The record of that very millisecond is listed, whatever zone it is asked in."""
    pms("POST", "/customers", {"name": "old"})
    time.sleep(0.01)
    when = pms("POST", "/customers", {"name": "new"}).body["updated_at"]
    assert [c["name"] for c in pms("GET", f"/customers?updated_since={when}").body["data"]] == ["new"]
    offset = when.replace("Z", "%2B00:00")
    assert pms("GET", f"/customers?updated_since={offset}").body["meta"]["total"] == 1
    assert pms("GET", "/customers?updated_since=yesterday").status == 400


def test_patch_changes_only_what_it_names_also_inside_contact(pms):
    """A nested object is merged; a patch without a change moves nothing."""
    made = pms("POST", "/customers", {"name": "a", "contact": {"name": "Åse", "email": "x@example.org"}}).body
    changed = pms("PATCH", "/customers/1", {"contact": {"email": "y@example.org"}}).body
    assert changed["contact"] == {"name": "Åse", "email": "y@example.org"}
    assert changed["etag"] != made["etag"]
    assert pms("PATCH", "/customers/1", {"name": "a"}).body == changed


def test_a_patch_with_an_old_etag_is_refused(pms):
    """412, and nothing changes."""
    etag = pms("POST", "/customers", {"name": "a"}).body["etag"]
    assert pms("PATCH", "/customers/1", {"name": "b"}, If_Match=etag).status == 200
    assert pms("PATCH", "/customers/1", {"name": "c"}, If_Match=etag).status == 412
    assert pms("DELETE", "/customers/1", If_Match=etag).status == 412
    assert pms("GET", "/customers/1").body["name"] == "b"


@pytest.mark.parametrize("name", ["id", "created_at", "updated_at", "etag"])
def test_read_only_properties_cannot_be_set(pms, name):
    """400, naming the property."""
    answer = pms("POST", "/customers", {"name": "a", name: 1})
    assert (answer.status, answer.body) == (400, {"error": "read_only", "fields": [name]})


def test_decimals_come_back_digit_for_digit(pms):
    """No binary float lies between."""
    digits = ["1250.50", "0.1", "123456789012345.678901", "100"]
    for n, text in enumerate(digits, 1):
        pms("POST", "/projects", raw=b'{"title": "p", "budget": %s}' % text.encode())
        request = urllib.request.Request(f"{pms.url}/projects/{n}", headers={"Authorization": "Bearer t"})
        with urllib.request.urlopen(request) as answer:
            assert f'"budget":{text},'.encode() in answer.read()
    assert pms("POST", "/projects", raw=b'{"title": "p", "budget": 1e999}').status == 422
    assert pms("POST", "/projects", {"title": "p", "budget": "7"}).status == 422


def test_empty_text_and_null_stay_apart(pms):
    """The other product makes them one."""
    made = pms("POST", "/customers", {"name": "a", "phone": "", "website": None}).body
    assert (made["phone"], made["website"]) == ("", None)


def test_references_must_lead_to_a_record_that_is_not_deleted(pms):
    """422 when there is none; tasks may refer to each other in a circle."""
    pms("POST", "/projects", {"title": "p"})
    assert pms("POST", "/tasks", {"name": "t", "project_id": 7}).status == 422
    assert pms("POST", "/tasks", {"name": "t"}).body == {"error": "required", "fields": ["project_id"]}
    pms("POST", "/tasks", {"name": "t1", "project_id": 1})
    pms("POST", "/tasks", {"name": "t2", "project_id": 1, "parent_task_id": 1})
    assert pms("PATCH", "/tasks/1", {"parent_task_id": 2}).status == 200
    pms("DELETE", "/projects/1")
    assert pms("POST", "/tasks", {"name": "t", "project_id": 1}).status == 422


def test_the_same_idempotency_key_gives_the_same_record(pms):
    """200 instead of 201, and no second record; with another body the key is refused."""
    first = pms("POST", "/customers", {"name": "a"}, Idempotency_Key="k")
    again = pms("POST", "/customers", {"name": "a"}, Idempotency_Key="k")
    assert (first.status, again.status, again.headers["Idempotent-Replay"]) == (201, 200, "true")
    assert again.body == first.body
    assert pms("POST", "/customers", {"name": "b"}, Idempotency_Key="k").status == 422
    assert pms("GET", "/customers").body["meta"]["total"] == 1


def test_a_deleted_record_leaves_the_listing_but_not_the_system(pms):
    """410 by id, shown with include=deleted, brought back by restore."""
    pms("POST", "/customers", {"name": "a"})
    assert pms("DELETE", "/customers/1").status == 204
    assert pms("GET", "/customers/1").status == 410
    assert pms("GET", "/customers").body["data"] == []
    [gone] = pms("GET", "/customers?include=deleted&updated_since=2020-01-01T00:00:00Z").body["data"]
    assert STAMP.match(gone["deleted_at"])
    assert pms("POST", "/customers/1/restore").body["deleted_at"] is None
    assert pms("GET", "/customers/1").status == 200


def test_webhooks_are_signed(pms):
    """The signature is the HMAC of the raw body; the secret is never shown."""
    received, arrived = [], threading.Event()

    class Receiver(http.server.BaseHTTPRequestHandler):
        def do_POST(self):
            body = self.rfile.read(int(self.headers["Content-Length"]))
            received.append((body, self.headers["X-Signature"]))
            self.send_response(204)
            self.end_headers()
            arrived.set()

        def log_message(self, *_):
            pass

    with http.server.HTTPServer(("127.0.0.1", 0), Receiver) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        hook = {"url": f"http://127.0.0.1:{server.server_port}/", "secret": "s", "events": ["customer.created"]}
        assert pms("POST", "/webhooks", hook).status == 201
        pms("POST", "/customers", {"name": "a"})
        assert arrived.wait(5)
        server.shutdown()
    body, signature = received[0]
    assert signature == "sha256=" + hmac.new(b"s", body, hashlib.sha256).hexdigest()
    news = json.loads(body)
    assert (news["event"], news["datatype"], news["id"]) == ("customer.created", "customer", 1)
    assert pms("GET", "/webhooks").body["data"][0]["secret"] == "***"
    assert pms("DELETE", "/webhooks/1").status == 204


def test_above_the_rate_429_says_when_to_come_back(launch):
    """The bucket holds as many requests as the rate."""
    pms = launch("custompms", "--rate", "3")
    answers = [pms("GET", "/customers") for _ in range(6)]
    assert [a.status for a in answers][:3] == [200, 200, 200]
    assert answers[-1].status == 429
    assert int(answers[-1].headers["Retry-After"]) >= 1


def test_without_the_token_only_page_description_and_health_are_open(pms):
    """401 for the rest, as JSON."""
    pms.token = "wrong"
    assert pms("GET", "/customers").status == 401
    assert pms("GET", "/_log").body["error"] == "unauthorized"
    assert [pms("GET", path).status for path in ("/", "/docs", "/openapi.json", "/healthz")] == [200] * 4


def test_an_answer_lost_after_the_effect_leaves_the_record(pms):
    """The connection closes without an answer; the record is there, and the log knows."""
    pms.fault("answer_lost_after", count=1, method="POST", path="/customers")
    with pytest.raises((urllib.error.URLError, http.client.HTTPException, ConnectionError)):
        pms("POST", "/customers", {"name": "a"}, Idempotency_Key="k")
    assert pms("GET", "/customers").body["meta"]["total"] == 1
    assert pms("POST", "/customers", {"name": "a"}, Idempotency_Key="k").status == 200
    assert [status for method, status in pms.writes() if method == "POST"] == [0, 200]
    assert pms("GET", "/_faults").body["rules"][0]["fired"] == 1


def test_an_answer_lost_before_the_effect_leaves_nothing(pms):
    """The connection closes, and no record is there."""
    pms.fault("answer_lost_before", count=1, method="POST")
    with pytest.raises((urllib.error.URLError, http.client.HTTPException, ConnectionError)):
        pms("POST", "/customers", {"name": "a"})
    assert pms("GET", "/customers").body["meta"]["total"] == 0


def test_a_late_effect_comes_after_a_reading_said_no(pms):
    """First nothing, a moment later the record."""
    pms.fault("late_effect", count=1, delay_s=0.4)
    with pytest.raises((urllib.error.URLError, http.client.HTTPException, ConnectionError)):
        pms("POST", "/customers", {"name": "a"})
    assert pms("GET", "/customers").body["meta"]["total"] == 0
    time.sleep(0.6)
    assert pms("GET", "/customers").body["meta"]["total"] == 1


def test_a_truncated_answer_is_not_a_whole_one(pms):
    """The announced length is not reached."""
    pms("POST", "/customers", {"name": "a"})
    pms.fault("truncated")
    with pytest.raises(http.client.IncompleteRead):
        pms("GET", "/customers")


@pytest.mark.parametrize(
    ("name", "status"),
    [
        ("error_500_before", 500),
        ("error_500_after", 500),
        ("html_200", 200),
        ("error_in_200", 200),
        ("empty_200", 200),
        ("unauthorized_401", 401),
        ("forbidden_403", 403),
        ("rate_429", 429),
        ("unavailable_503", 503),
        ("redirect", 302),
    ],
)
def test_each_wrong_answer_looks_as_it_says_and_stops_after_its_count(pms, name, status):
    """Two wrong answers, then a right one; only the one called "after" has an effect."""
    pms.fault(name, count=2, retry_after=7)
    answers = [pms("POST", "/customers", {"name": "a"}) for _ in range(2)]
    assert [a.status for a in answers] == [status] * 2
    assert all("id" not in a.body for a in answers)
    assert pms("GET", "/customers").body["meta"]["total"] == (2 if name == "error_500_after" else 0)
    if status in (429, 503):
        assert answers[0].headers["Retry-After"] == "7"


def test_listings_can_be_empty_short_or_stale(pms):
    """None of them says so."""
    for n in range(3):
        pms("POST", "/customers", {"name": f"c{n}"})
    pms.fault("empty_list")
    assert pms("GET", "/customers").body["meta"]["total"] == 0
    pms.fault("short_list")
    assert len(pms("GET", "/customers").body["data"]) == 2
    time.sleep(0.5)
    pms("PATCH", "/customers/1", {"name": "changed"})
    pms("DELETE", "/customers/2")
    pms("POST", "/customers", {"name": "added"})
    pms.fault("stale_list", delay_s=0.4)
    assert sorted(c["name"] for c in pms("GET", "/customers").body["data"]) == ["c0", "c1", "c2"]
    pms("DELETE", "/_faults")
    assert sorted(c["name"] for c in pms("GET", "/customers").body["data"]) == ["added", "c2", "changed"]


def test_the_web_page_escapes_edits_and_refuses_foreign_forms(pms):
    """What a person types is stored as typed and shown as text."""
    form = b"name=%3Cscript%3Ealert(1)%3C%2Fscript%3E&contact.email=a%40example.org"
    assert pms("POST", "/ui/customers/new", raw=form).status == 303
    assert pms("GET", "/customers/1").body["name"] == "<script>alert(1)</script>"
    for path in ("/", "/ui/customers/1"):
        assert "<script" not in pms("GET", path).body
    assert pms("POST", "/ui/customers/new", raw=form, Sec_Fetch_Site="cross-site").status == 403
    stale = b'.proof="c1-0"&name=b'
    assert "Somebody else" in pms("POST", "/ui/customers/1", raw=stale).body
    assert pms("POST", "/ui/customers/1/delete", raw=b"").status == 303
    assert pms("GET", "/customers/1").status == 410


def test_a_slow_answer_comes_after_its_delay_and_others_do_not_wait(pms):
    """The effect is there; while one request waits, the server answers the next."""
    pms.fault("slow", delay_s=0.6, method="POST", count=1)
    ended = []

    def slow():
        ended.append((pms("POST", "/customers", {"name": "a"}).status, time.monotonic()))

    began, thread = time.monotonic(), threading.Thread(target=slow)
    thread.start()
    time.sleep(0.1)
    assert pms("GET", "/customers").status == 200
    assert time.monotonic() - began < 0.5
    thread.join()
    assert ended[0][0] == 201
    assert 0.6 <= ended[0][1] - began < 2
    assert pms("GET", "/customers").body["meta"]["total"] == 1


def test_an_idempotency_key_is_known_after_a_restart(launch):
    """Keys and records are in one transaction of one file."""
    before = launch("custompms")
    first = before("POST", "/customers", {"name": "a"}, Idempotency_Key="k")
    before.process.kill()
    before.process.wait(10)
    before.process.stdout.close()
    after = launch("custompms")
    again = after("POST", "/customers", {"name": "a"}, Idempotency_Key="k")
    assert (again.status, again.body) == (200, first.body)
    assert after("POST", "/customers", {"name": "b"}, Idempotency_Key="k").status == 422
    assert after("GET", "/customers").body["meta"]["total"] == 1
