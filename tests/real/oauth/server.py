"""An authorisation server and a REST system behind it, of Authlib and Flask; run by the Python of `make systems`.

Refresh tokens are ended by their use; a second use ends every token of that person (RFC 9700, 4.14.2). Requests for
a token by one are answered once two of them are there, or a second has passed: who does not wait for the other
is sure to meet it. Device codes are those of RFC 8628. `POST /_approve` is the person at the page.
"""

import os
import sys
import threading
import time

os.environ["AUTHLIB_INSECURE_TRANSPORT"] = "1"

from authlib.integrations.flask_oauth2 import AuthorizationServer, ResourceProtector
from authlib.oauth2.rfc6749 import ClientMixin, TokenMixin, grants
from authlib.oauth2.rfc6750 import BearerTokenValidator
from authlib.oauth2.rfc8628 import DeviceAuthorizationEndpoint, DeviceCodeGrant, DeviceCredentialDict
from flask import Flask, jsonify, request

INTERVAL = 1
log = []
tokens = []
devices = {}
decided = {}
slow = set()
meeting = threading.Condition()
inside = 0


class Client(ClientMixin):
    client_id = "accord"

    def get_client_id(self):
        return self.client_id

    def get_default_redirect_uri(self):
        return ""

    def get_allowed_scope(self, scope):
        return scope

    def check_redirect_uri(self, redirect_uri):
        return False

    def check_client_secret(self, client_secret):
        return False

    def check_endpoint_auth_method(self, method, endpoint):
        return method == "none"

    def check_response_type(self, response_type):
        return False

    def check_grant_type(self, grant_type):
        return True


class Token(TokenMixin):
    def __init__(self, said):
        self.access, self.refresh = said["access_token"], said.get("refresh_token")
        self.scope, self.used, self.revoked = said.get("scope", ""), False, False
        self.ends = time.time() + said["expires_in"]

    def check_client(self, client):
        return True

    def get_scope(self):
        return self.scope

    def get_expires_in(self):
        return int(self.ends - time.time())

    def is_expired(self):
        return self.ends < time.time()

    def is_revoked(self):
        return self.revoked

    def get_user(self):
        return "anna"

    def get_client(self):
        return Client()


class Refresh(grants.RefreshTokenGrant):
    INCLUDE_NEW_REFRESH_TOKEN = True
    TOKEN_ENDPOINT_AUTH_METHODS = ["none"]

    def authenticate_refresh_token(self, refresh_token):
        found = next((one for one in tokens if one.refresh == refresh_token), None)
        if found is not None and found.used:
            log.append("reuse")
            for one in tokens:
                one.used = one.revoked = True
            return None
        return found

    def authenticate_user(self, credential):
        return "anna"

    def revoke_old_credential(self, credential):
        credential.used = True
        log.append("refreshed")


class Devices(DeviceAuthorizationEndpoint):
    INTERVAL = INTERVAL
    CLIENT_AUTH_METHODS = ["none"]

    def get_verification_uri(self):
        return request.host_url + "device"

    def save_device_credential(self, client_id, scope, data):
        devices[data["device_code"]] = {**data, "client_id": client_id, "scope": scope, "expires_at": time.time() + 60}


class Device(DeviceCodeGrant):
    TOKEN_ENDPOINT_AUTH_METHODS = ["none"]

    def query_device_credential(self, device_code):
        found = devices.get(device_code)
        return DeviceCredentialDict(found) if found else None

    def query_user_grant(self, user_code):
        return decided.get(user_code)

    def should_slow_down(self, credential):
        log.append("polled")
        if credential["user_code"] in slow:
            slow.discard(credential["user_code"])
            return True
        return False


class Validator(BearerTokenValidator):
    def authenticate_token(self, token_string):
        return next((one for one in tokens if one.access == token_string), None)


def save(token, _request):
    tokens.append(Token(token))


app = Flask(__name__)
app.config["OAUTH2_REFRESH_TOKEN_GENERATOR"] = True
server = AuthorizationServer(app, query_client=lambda id: Client() if id == "accord" else None, save_token=save)
server.register_grant(Refresh)
server.register_grant(Device)
server.register_endpoint(Devices)
protect = ResourceProtector()
protect.register_token_validator(Validator())


@app.post("/token")
def token():
    global inside
    if request.form.get("grant_type") != "refresh_token":
        return server.create_token_response()
    with meeting:
        inside += 1
        meeting.notify_all()
        meeting.wait_for(lambda: inside > 1, 1)
    try:
        with meeting:
            return server.create_token_response()
    finally:
        with meeting:
            inside -= 1


@app.post("/device_authorization")
def device_authorization():
    return server.create_endpoint_response(Devices.ENDPOINT_NAME)


@app.get("/things")
@protect("read")
def things():
    return jsonify([{"id": 1, "name": "one"}])


@app.post("/_first")
def first():
    save({"access_token": "first", "refresh_token": "first-refresh", "expires_in": 3600, "scope": "read"}, None)
    return {}


@app.post("/_approve")
def approve():
    decided[request.json["user_code"]] = ("anna", request.json["approved"])
    return {}


@app.post("/_slow")
def be_slow():
    slow.add(request.json["user_code"])
    return {}


@app.post("/_end")
def end():
    for one in devices.values():
        one["expires_at"] = 0
    return {}


@app.get("/_log")
def shown():
    return {"log": log, "codes": [one["user_code"] for one in devices.values()]}


app.run("127.0.0.1", int(sys.argv[1]), threaded=True)
