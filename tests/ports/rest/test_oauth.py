"""OAuth by client credentials: tokens are asked for, renewed before they end and after a 401, and once for all."""

import asyncio
from base64 import b64encode
from urllib.parse import parse_qsl

import pytest

from accord.config.meaning import SystemLimits
from accord.errors import MendFile, ProtocolError, Unauthorized, Unreachable
from accord.model import OutcomeKind
from accord.ports import Expects, NewRecord

from .fake import Fake, Reply, connected, listed, things

SECRET = "s3cret/+:"
AUTH = {
    "type": "oauth2_client_credentials",
    "token_url": "/oauth/token",
    "client_id": "accord",
    "client_secret": SECRET,
    "scope": ["read", "write"],
    "params": {"resource": "urn:x"},
}
MANY = SystemLimits(timeout=2, retries=2, concurrency=16)


class Tokens:
    """A token endpoint, and a guard that lets in who has a token that is still valid."""

    def __init__(self, fake, **said):
        self.given, self.valid, self.said = 0, set(), said
        fake.on("POST /oauth/token", self.give)

    def give(self, call):
        self.given += 1
        self.valid = {f"Bearer t{self.given}"}
        return {"access_token": f"t{self.given}", "token_type": "bearer", **self.said}

    def guarded(self, answer):
        def reply(call):
            if call.headers.get("Authorization") not in self.valid:
                return Reply({"error": "invalid_token"}, 401)
            return answer(call) if callable(answer) else answer

        return reply


def form_of(call):
    return dict(parse_qsl(call.body.decode(), strict_parsing=True))


@pytest.mark.parametrize("send", ["header", "body"])
async def test_the_client_says_who_it_is_in_header_or_body(fake, send):
    tokens = Tokens(fake)
    fake.on("GET /things", tokens.guarded(things(1)))
    async with connected(fake, auth={**AUTH, "send": send}) as c:
        await listed(c)
    asked = fake.seen("POST /oauth/token")[0]
    form = {"grant_type": "client_credentials", "scope": "read write", "resource": "urn:x"}
    if send == "body":
        assert form_of(asked) == {**form, "client_id": "accord", "client_secret": SECRET}
        assert "Authorization" not in asked.headers
    else:
        assert form_of(asked) == form
        encoded = b64encode(b"accord:s3cret%2F%2B%3A").decode()
        assert asked.headers["Authorization"] == f"Basic {encoded}"


async def test_requests_that_begin_together_share_one_token(fake):
    tokens = Tokens(fake)
    fake.on("GET /things", tokens.guarded(things(1)))
    async with connected(fake, auth=AUTH, limits=MANY) as c:
        await asyncio.gather(*(listed(c) for _ in range(12)))
    assert tokens.given == 1


async def test_a_token_that_ends_in_mid_run_is_renewed_once_for_all(fake):
    """Twelve requests meet the 401; reads and writes go on, and no write is done twice."""
    tokens, made = Tokens(fake), []
    fake.on("GET /things", tokens.guarded(things(1)))
    fake.on("POST /things", tokens.guarded(lambda call: made.append(call.json) or {"id": len(made), **call.json}))
    fake.on("PATCH /things/1", tokens.guarded({"id": 1, "name": "new"}))
    async with connected(fake, auth=AUTH, limits=MANY, thing_version="etag") as c:
        await listed(c)
        tokens.valid.clear()
        new = [NewRecord(natives={"name": f"n{number}"}, token=f"k{number}") for number in range(6)]
        *outcomes, _ = await asyncio.gather(
            *(c.create("thing", [each]) for each in new),
            c.update("thing", "1", {"name": "new"}, Expects(version='"1"')),
            *(listed(c) for _ in range(5)),
        )
    assert tokens.given == 2
    assert sorted(each["name"] for each in made) == [f"n{number}" for number in range(6)]
    assert all(outcome.kind is OutcomeKind.APPLIED for (outcome,) in outcomes[:6])


async def test_a_token_is_renewed_before_it_ends(fake):
    """No request is sent with a token that has ended, so none is refused."""
    tokens = Tokens(fake, expires_in=1)
    fake.on("GET /things", tokens.guarded(things(1)))
    async with connected(fake, auth=AUTH, limits=MANY) as c:
        await listed(c)
        await listed(c)
        assert tokens.given == 1
        await asyncio.sleep(0.95)
        await asyncio.gather(*(listed(c) for _ in range(6)))
    assert tokens.given == 2
    sent = [call.headers["Authorization"] for call in fake.seen("GET /things")]
    assert sent == ["Bearer t1"] * 2 + ["Bearer t2"] * 6


async def test_the_token_may_come_from_another_origin(fake):
    """The file names it; the system itself still never leads us there."""
    async with Fake() as issuer:
        tokens = Tokens(issuer)
        fake.on("GET /things", tokens.guarded(things(1)))
        async with connected(fake, auth={**AUTH, "token_url": f"{issuer.url}/oauth/token"}) as c:
            await listed(c)
        assert tokens.given == 1


async def test_a_system_that_refuses_every_token_is_unauthorized(fake):
    tokens = Tokens(fake)
    fake.on("GET /things", Reply({"error": "invalid_token"}, 401))
    async with connected(fake, auth=AUTH) as c:
        with pytest.raises(Unauthorized, match="our credentials are refused"):
            await listed(c)
    assert tokens.given == 2


@pytest.mark.parametrize(
    ("reply", "kind", "said"),
    [
        (Reply({"error": "invalid_client", "error_description": f"no {SECRET}"}, 401), Unauthorized, "invalid_client"),
        (Reply({"error": "invalid_scope"}, 400), Unauthorized, "invalid_scope"),
        (Reply({"error": "down"}, 503), Unreachable, "status 503"),
        (Reply({"token": "x"}), ProtocolError, "no access_token"),
        (Reply({"access_token": "x", "token_type": "mac"}), ProtocolError, "only Bearer is known"),
    ],
)
async def test_a_token_that_is_not_given_stops_the_system_and_shows_no_secret(fake, reply, kind, said):
    fake.on("POST /oauth/token", reply)
    async with connected(fake, auth=AUTH) as c:
        with pytest.raises(kind, match=said) as caught:
            await listed(c)
    assert SECRET not in str(caught.value)
    assert not fake.seen("GET /things")


class Rotating(Tokens):
    """Each refresh token is good for one time."""

    def __init__(self, fake, **said):
        super().__init__(fake, **said)
        self.good = "r0"

    def give(self, call):
        if form_of(call).get("refresh_token") != self.good:
            return Reply({"error": "invalid_grant"}, 400)
        self.good = f"r{self.given + 1}"
        return {**super().give(call), "refresh_token": self.good}


def refresh(folder, token="r0"):
    wanted = {name: AUTH[name] for name in ("token_url", "client_id")}
    return {"type": "oauth2_refresh", **wanted, "refresh_token": token, "keep": str(folder / "kept.json")}


async def test_the_refresh_token_of_one_run_is_used_by_the_next(fake, tmp_path):
    """Though the system has ended the one in the project file; the file is for its owner alone."""
    tokens = Rotating(fake)
    fake.on("GET /things", tokens.guarded(things(1)))
    for run in (1, 2, 3):
        async with connected(fake, auth=refresh(tmp_path)) as c:
            await listed(c)
        assert tokens.given == run
    assert (tmp_path / "kept.json").stat().st_mode & 0o777 == 0o600
    assert sorted(file.name for file in tmp_path.iterdir()) == [".kept.json.lock", "kept.json"]
    asked = form_of(fake.seen("POST /oauth/token")[2])
    assert asked == {"grant_type": "refresh_token", "refresh_token": "r2", "client_id": "accord"}


async def test_a_401_in_mid_run_goes_on_with_the_token_that_was_kept(fake, tmp_path):
    tokens = Rotating(fake)
    fake.on("GET /things", tokens.guarded(things(1)))
    async with connected(fake, auth=refresh(tmp_path), limits=MANY) as c:
        await listed(c)
        tokens.valid.clear()
        await asyncio.gather(*(listed(c) for _ in range(8)))
    assert tokens.given == 2


async def test_a_new_refresh_token_in_the_project_goes_before_the_kept_one(fake, tmp_path):
    """A person has authorised Accord anew."""
    tokens = Rotating(fake)
    fake.on("GET /things", tokens.guarded(things(1)))
    async with connected(fake, auth=refresh(tmp_path)) as c:
        await listed(c)
    tokens.good = "anew"
    async with connected(fake, auth=refresh(tmp_path, "anew")) as c:
        await listed(c)
    assert tokens.given == 2


async def test_no_token_is_spent_where_the_next_could_not_be_kept(fake, tmp_path):
    Rotating(fake)
    async with connected(fake, auth=refresh(tmp_path / "nowhere")) as c:
        with pytest.raises(MendFile, match="no file can be made"):
            await listed(c)
    assert not fake.calls


async def test_a_damaged_file_of_a_token_says_what_to_do(fake, tmp_path):
    (tmp_path / "kept.json").write_text("{")
    async with connected(fake, auth=refresh(tmp_path)) as c:
        with pytest.raises(MendFile, match="it is damaged"):
            await listed(c)


async def test_an_address_where_clouds_keep_credentials_gives_no_token(fake):
    with pytest.raises(MendFile, match="token_url"):
        async with connected(fake, auth={**AUTH, "token_url": "http://169.254.169.254/token"}):
            pass
