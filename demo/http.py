"""HTTP for both products: bearer token, rate limit, latency, faults, request log; then the product's own `handle`."""

import argparse
import asyncio
import hmac
import signal
import sys
import time
import traceback
from collections import deque
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import msgspec
from aiohttp import web

from . import openapi, pages
from .faults import FAULTS, Faults, Rule, Switches, from_command_line
from .model import HTML, Answer, Call, Product, Refusal, encode

MAX_BODY = 8 << 20
LOGGED = 10_000
LOGIN_PAGE = b"<!doctype html><title>Sign in</title><h1>Please sign in</h1><form><input name=user></form>"


class Bucket:
    """A token bucket: `rate` requests a second, as many at once; 0 is without limit."""

    def __init__(self, rate: float) -> None:
        self._rate, self._tokens, self._when = rate, rate, time.monotonic()

    def wait(self) -> float:
        """0 when the request may pass, else the seconds until one may."""
        if not self._rate:
            return 0.0
        now = time.monotonic()
        self._tokens = min(max(self._rate, 1.0), self._tokens + (now - self._when) * self._rate)
        self._when = now
        if self._tokens < 1:
            return (1 - self._tokens) / self._rate
        self._tokens -= 1
        return 0.0


class Front:
    """Everything between the socket and the product."""

    def __init__(self, product: Product, *, token: str, rate: float, faults: Faults) -> None:
        self.product, self.faults = product, faults
        self._bearer = f"Bearer {token}".encode()
        self._bucket = Bucket(rate)
        self._log: deque[dict[str, object]] = deque(maxlen=LOGGED)
        self._count = 0
        self._collections = {datatype.path for datatype in product.datatypes}
        self._late: set[asyncio.TimerHandle] = set()

    async def serve(self, request: web.BaseRequest) -> web.StreamResponse:
        """Answer one request of aiohttp."""
        body = await request.read() if request.can_read_body else b""
        call = Call(method=request.method, path=request.path, query=request.query, headers=request.headers, body=body)
        if call.path == "/" or call.path.startswith(("/ui", "/docs", "/openapi.json", "/healthz")):
            return _response(self._open(call))
        if not hmac.compare_digest(call.headers.get("Authorization", "").encode(), self._bearer):
            return self._logged(call, Refusal(401, "unauthorized", message="send Authorization: Bearer TOKEN").answer())
        if call.path.startswith("/_"):
            return _response(_safely(self._admin, call))
        return await self._api(request, call)

    async def _api(self, request: web.BaseRequest, call: Call) -> web.StreamResponse:
        if wait := self._bucket.wait():
            seconds = str(max(1, round(wait + 0.5)))
            return self._logged(call, Refusal(429, "too_many_requests", headers={"Retry-After": seconds}).answer())
        if delay := self.faults.delay():
            await asyncio.sleep(delay)
        listing = call.method == "GET" and call.path.strip("/") in self._collections
        rule = self.faults.strike(call, listing=listing)
        if rule is None:
            return self._logged(call, _safely(self.product.handle, call))
        return await self._struck(request, call, rule)

    async def _struck(self, request: web.BaseRequest, call: Call, rule: Rule) -> web.StreamResponse:
        handle = self.product.handle
        match FAULTS[rule.name].stage, rule.name:
            case "slow", _:
                await asyncio.sleep(rule.delay_s)
                return self._logged(call, _safely(handle, call))
            case "late", _:
                self._later(rule.delay_s, call)
                return self._hang_up(request, call)
            case "listing", "stale_list":
                return self._logged(call, _safely(handle, replace(call, stale_s=rule.delay_s)))
            case "listing", "empty_list":
                return self._logged(call, Answer(200, self.product.empty_page()))
            case "listing", _:
                return self._logged(call, self._shortened(_safely(handle, call)))
        obeyed = _safely(handle, call) if FAULTS[rule.name].stage == "after" or rule.effect else None
        if rule.name in ("answer_lost_before", "answer_lost_after"):
            return self._hang_up(request, call)
        if rule.name == "truncated" and obeyed is not None:
            return await self._cut(request, call, obeyed)
        return self._logged(call, _broken(rule))

    def _logged(self, call: Call, answer: Answer) -> web.Response:
        self._record(call, answer.status)
        return _response(answer)

    def _record(self, call: Call, status: int) -> None:
        self._count += 1
        key = call.headers.get("Idempotency-Key")
        entry = {"n": self._count, "method": call.method, "path": call.path, "status": status, "idempotency_key": key}
        self._log.append(entry)

    def _hang_up(self, request: web.BaseRequest, call: Call) -> web.Response:
        self._record(call, 0)
        if request.transport is not None:
            request.transport.close()
        return web.Response()

    async def _cut(self, request: web.BaseRequest, call: Call, answer: Answer) -> web.StreamResponse:
        self._record(call, answer.status)
        response = web.StreamResponse(
            status=answer.status, headers={**answer.headers, "Content-Type": "application/json"}
        )
        response.content_length = len(answer.body) or 100
        await response.prepare(request)
        await response.write(answer.body[: len(answer.body) // 2] or b"{")
        if request.transport is not None:
            request.transport.close()
        return response

    def _later(self, delay: float, call: Call) -> None:
        def happen() -> None:
            self._late.discard(handle)
            _safely(self.product.handle, call)

        handle = asyncio.get_running_loop().call_later(delay, happen)
        self._late.add(handle)

    def _shortened(self, answer: Answer) -> Answer:
        if answer.status != 200:
            return answer
        page = msgspec.json.decode(answer.body, type=dict[str, msgspec.Raw])
        records = msgspec.json.decode(page[self.product.records_key], type=list[msgspec.Raw])
        page[self.product.records_key] = msgspec.Raw(encode(records[:-1]))
        answer.body = encode(page)
        return answer

    def _open(self, call: Call) -> Answer:
        """What needs no token: health, the API's description, and the web page."""
        if call.path == "/healthz":
            return Answer(200, b'{"status":"ok"}')
        if call.path == "/openapi.json":
            return Answer(200, encode(openapi.document(self.product)))
        return _safely(lambda c: pages.handle(self.product, c), call)

    def _admin(self, call: Call) -> Answer:
        match call.method, call.path:
            case "GET", "/_faults":
                return Answer(200, encode(self.faults.report()))
            case "POST", "/_faults":
                self.faults.replace(_switches(call.body))
                return Answer(200, encode(self.faults.report()))
            case "DELETE", "/_faults":
                self.faults.replace(Switches())
                return Answer(200, encode(self.faults.report()))
            case "GET", "/_log":
                since = int(call.query.get("since", "0"))
                entries = [entry for entry in self._log if entry["n"] > since]  # type: ignore[operator]
                return Answer(200, encode({"last": self._count, "requests": entries}))
        raise Refusal(404, "not_found")


def _safely(handle: Callable[[Call], Answer], call: Call) -> Answer:
    try:
        return handle(call)
    except Refusal as refusal:
        return refusal.answer()
    except Exception:
        traceback.print_exc()
        return Answer(500, b'{"error":"internal"}')


def _response(answer: Answer) -> web.Response:
    headers = {"Content-Type": answer.content_type, **answer.headers}
    if answer.status in (204, 304):
        headers.pop("Content-Type")
    return web.Response(status=answer.status, body=answer.body, headers=headers)


def _switches(body: bytes) -> Switches:
    try:
        return msgspec.json.decode(body, type=Switches)
    except (msgspec.DecodeError, ValueError) as error:
        raise Refusal(422, "bad_switches", message=str(error)) from None


def _broken(rule: Rule) -> Answer:
    """The wrong answer that a rule asks for."""
    wait = {} if rule.retry_after is None else {"Retry-After": f"{rule.retry_after:g}"}
    match rule.name:
        case "html_200":
            return Answer(200, LOGIN_PAGE, content_type=HTML)
        case "error_in_200":
            return Answer(200, b'{"error":"internal","message":"Something went wrong, please try again"}')
        case "empty_200":
            return Answer(200)
        case "unauthorized_401":
            return Refusal(401, "unauthorized").answer()
        case "forbidden_403":
            return Refusal(403, "forbidden").answer()
        case "rate_429":
            return Refusal(429, "too_many_requests", headers=wait).answer()
        case "unavailable_503":
            return Refusal(503, "unavailable", headers=wait).answer()
        case "redirect":
            return Answer(302, headers={"Location": rule.location})
    return Refusal(500, "internal").answer()


def arguments(name: str, *, port: int, token: str) -> argparse.Namespace:
    """The command line that both servers share."""
    parser = argparse.ArgumentParser(prog=f"python -m demo.{name}")
    parser.add_argument("--port", type=int, default=port, help="0 picks a free one")
    parser.add_argument("--data", type=Path, required=True, metavar="FOLDER", help=f"holds {name}.db")
    parser.add_argument("--token", default=token)
    parser.add_argument("--latency", type=float, default=0, metavar="MS")
    parser.add_argument("--jitter", type=float, default=0, metavar="MS")
    parser.add_argument("--fault", action="append", default=[], metavar="NAME=RATE", help=", ".join(FAULTS))
    parser.add_argument("--fault-seed", type=int, default=1)
    parser.add_argument("--seed-data", choices=("none", "demo"), default="none")
    if name == "custompms":
        parser.add_argument("--rate", type=float, default=2000, metavar="N", help="requests a second, 0 no limit")
    return parser.parse_args()


def run(product: Product, options: argparse.Namespace) -> None:
    """Serve until SIGTERM or SIGINT."""
    try:
        switches = Switches(options.latency, options.jitter, from_command_line(options.fault))
    except ValueError as error:
        sys.exit(f"--fault: {error}")
    rate = getattr(options, "rate", 0.0)
    front = Front(product, token=options.token, rate=rate, faults=Faults(switches, options.fault_seed))
    asyncio.run(_serve(front, product, options.port))


async def _serve(front: Front, product: Product, port: int) -> None:
    loop, stopped = asyncio.get_running_loop(), asyncio.Event()
    server = web.Server(front.serve, request_factory=_request, access_log=None)
    runner = web.ServerRunner(server, handle_signals=False, shutdown_timeout=2)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", port, backlog=1024)
    await site.start()
    await product.start()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stopped.set)
    print(f"{product.title} listening on http://127.0.0.1:{runner.addresses[0][1]}", flush=True)
    await stopped.wait()
    await runner.cleanup()
    await product.stop()


def _request(message, payload, protocol, writer, task) -> web.BaseRequest:  # type: ignore[no-untyped-def]
    loop = asyncio.get_running_loop()
    return web.BaseRequest(message, payload, protocol, writer, task, loop, client_max_size=MAX_BODY)
