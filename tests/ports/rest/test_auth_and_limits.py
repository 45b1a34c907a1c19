"""Who we say we are, and how hard we press."""

import asyncio
import shutil
import ssl
import subprocess
import time
from base64 import b64encode
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest

from accord.config.meaning import SystemLimits
from accord.errors import ProtocolError, Unauthorized, Unreachable
from accord.ports import NewRecord

from .fake import HTML, Fake, Reply, connected, listed, raw, things


@pytest.mark.parametrize(
    ("auth", "header", "value"),
    [
        ({"type": "basic", "user": "u", "password": "p:w"}, "Authorization", "Basic " + b64encode(b"u:p:w").decode()),
        ({"type": "bearer", "token": "t0ken"}, "Authorization", "Bearer t0ken"),
        ({"type": "api_key", "header": "X-Key", "key": "k"}, "X-Key", "k"),
        ({"type": "api_key", "in": "header", "name": "X-Key", "value": "k"}, "X-Key", "k"),
    ],
)
async def test_credentials_are_sent_in_their_header(fake, auth, header, value):
    fake.on("GET /things", things(1))
    async with connected(fake, auth=auth, headers={"X-More": "1"}) as c:
        await listed(c)
    assert (fake.calls[0].headers[header], fake.calls[0].headers["X-More"]) == (value, "1")


async def test_an_api_key_in_the_query_is_never_shown(fake):
    fake.on("GET /things", things(1), raw(HTML))
    async with connected(fake, auth={"type": "api_key", "query": "key", "key": "s3cr&t"}) as c:
        await listed(c)
        with pytest.raises(ProtocolError) as caught:
            await listed(c)
    assert fake.calls[0].query == {"key": "s3cr&t"}
    assert "s3cr" not in str(caught.value)


async def test_a_password_in_base_url_becomes_basic_auth_and_is_not_shown(fake):
    fake.on("GET /things", raw(HTML))
    with_password = fake.url.replace("http://", "http://u:s3cret@")
    fake.url = with_password
    async with connected(fake) as c:
        with pytest.raises(ProtocolError) as caught:
            await listed(c)
    assert fake.calls[0].headers["Authorization"].startswith("Basic ")
    assert "s3cret" not in str(caught.value)


SESSION = {
    "type": "session",
    "login": {"method": "POST", "path": "/token", "body": {"user": "u", "password": "s3cret"}},
    "token": "auth.token",
}


def with_session(fake, valid):
    tokens = iter(range(1, 100))

    def login(call):
        assert call.json == {"user": "u", "password": "s3cret"}
        valid.add(f"Bearer t{(n := next(tokens))}")
        return {"auth": {"token": f"t{n}"}}

    def guarded(call):
        return things(1) if call.headers.get("Authorization") in valid else Reply({"error": "who?"}, 401)

    fake.on("POST /token", login)
    fake.on("GET /things", guarded)


async def test_a_session_logs_in_once_and_again_after_a_401(fake):
    valid = set()
    with_session(fake, valid)
    async with connected(fake, auth=SESSION) as c:
        await listed(c)
        valid.clear()
        await asyncio.gather(*(listed(c) for _ in range(5)))
    assert len(fake.seen("POST /token")) == 2


async def test_a_refused_login_is_unauthorized_and_shows_no_secret(fake):
    fake.on("POST /token", Reply({"error": "wrong password"}, 401))
    async with connected(fake, auth=SESSION) as c:
        with pytest.raises(Unauthorized, match="wrong password") as caught:
            await listed(c)
    assert "s3cret" not in str(caught.value)


async def test_a_lasting_401_is_unauthorized(fake):
    fake.on("GET /things", Reply({}, 401))
    async with connected(fake, auth={"type": "bearer", "token": "old"}) as c:
        with pytest.raises(Unauthorized):
            await listed(c)
    assert len(fake.calls) == 2


@pytest.mark.parametrize("form", ["seconds", "date"])
async def test_retry_after_is_obeyed_by_all_requests_of_the_system(fake, form):
    when = datetime.now(UTC).replace(microsecond=0) + timedelta(seconds=2)
    waits = {"seconds": "1", "date": format_datetime(when, usegmt=True)}
    fake.on("GET /things", Reply({}, 429, {"Retry-After": waits[form]}), things(1))
    fake.on("GET /things/1", things(1)[0])
    async with connected(fake) as c:
        started = time.monotonic()
        first = asyncio.ensure_future(listed(c))
        await asyncio.sleep(0.1)
        await c.fetch("thing", ["1"])
        waited = time.monotonic() - started
        assert len(await first) == 1
    low, high = {"seconds": (0.99, 1.2), "date": (0.99, 2.3)}[form]
    assert low <= waited <= high


async def test_a_wait_that_is_too_long_is_an_unreachable_system(fake):
    fake.on("GET /things", Reply({}, 429, {"Retry-After": "86400"}))
    async with connected(fake) as c:
        with pytest.raises(Unreachable, match="asks to wait 86400 s"):
            await asyncio.wait_for(listed(c), 2)


async def test_many_creates_against_a_strict_rate_limit_all_succeed_once(fake):
    created, second = [], []

    def reply(call):
        now = time.monotonic()
        second[:] = [t for t in second if now - t < 0.2]
        if len(second) >= 10:
            return Reply({}, 429, {"Retry-After": "0.2"})
        second.append(now)
        created.append(call.json["name"])
        return Reply({"id": len(created), **call.json}, 201)

    fake.on("POST /things", reply)
    async with connected(fake, limits=SystemLimits(concurrency=32, retries=2)) as c:
        ended = await c.create("thing", [NewRecord(natives={"name": f"n{i}"}, token=f"t{i}") for i in range(60)])
    assert all(outcome.done for outcome in ended)
    assert sorted(created) == sorted(f"n{i}" for i in range(60))


async def test_concurrency_and_rate_are_kept(fake):
    now, most = 0, 0

    async def reply(call):
        nonlocal now, most
        now, most = now + 1, max(most, now + 1)
        await asyncio.sleep(0.02)
        now -= 1
        return {"id": call.path[-1]}

    for i in range(10):
        fake.on(f"GET /things/{i}", reply)
    async with connected(fake, limits=SystemLimits(concurrency=3, rate=50)) as c:
        started = time.monotonic()
        await c.fetch("thing", [str(i) for i in range(10)])
        assert 0.17 < time.monotonic() - started < 0.6
    assert most <= 3


async def test_a_secret_that_the_system_repeats_in_its_error_is_not_shown(fake):
    fake.on("POST /things", Reply({"message": "bad key Hush-1234 for Quiet-99"}, 422))
    options = {"auth": {"type": "bearer", "token": "Hush-1234"}, "headers": {"X-Api-Key": "Quiet-99"}}
    async with connected(fake, **options) as c:
        outcome = (await c.create("thing", [NewRecord(natives={"name": "n"}, token="t")]))[0]
    assert outcome.message == "422: bad key *** for ***"


def certificate(folder):
    """A certificate of its own for 127.0.0.1, as a self-hosted system has one."""
    names = ["-subj", "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1"]
    kind = ["-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-keyout", "key.pem", "-out", "cert.pem"]
    subprocess.run(["openssl", "req", *kind, *names], cwd=folder, check=True, capture_output=True)
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(folder / "cert.pem", folder / "key.pem")
    return context


@pytest.mark.skipif(shutil.which("openssl") is None, reason="needs openssl")
async def test_an_unknown_certificate_is_refused_unless_its_authority_is_named(tmp_path):
    server = Fake(certificate(tmp_path))
    server.on("GET /things", things(1))
    async with server:
        async with connected(server, limits=SystemLimits(retries=0)) as c:
            with pytest.raises(Unreachable, match="no connection"):
                await listed(c)
        assert not server.calls
        async with connected(server, verify=str(tmp_path / "cert.pem")) as c:
            assert len(await listed(c)) == 1
