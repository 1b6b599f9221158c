"""What the description of the API cannot say: who asks, and what goes together."""

import os
import uuid

import requests
import schemathesis
from hypothesis import strategies as st

PLATFORM = os.environ["PLATFORM_URL"]
# schemathesis.toml knows it too.
PASSWORD = "correct horse battery staple"

# These end the session they are asked in. So each of their requests is sent by somebody who came for it alone: whoever
# has gone is only refused, and everything would be a 401.
ENDING = [
    "DELETE /v1/auth/me",
    "DELETE /v1/auth/sessions/{id}",
    "POST /v1/auth/password",
]

# The beginnings of a PNG, a GIF and an MP4: files are known by their first bytes.
FILES = [
    b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\0\x01\0\0\0\x01",
    b"GIF89a\x01\0\x01\0",
    b"\0\0\0\x18ftypisom\0\0\0\0isommp42",
]


def ask(method, path, token=None, **request):
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    answer = requests.request(method, PLATFORM + path, headers=headers, timeout=10, **request)
    answer.raise_for_status()

    return answer.json()


def sign_up(name):
    account = {"userName": name, "email": f"{name}@example.org", "password": PASSWORD}

    return ask("POST", "/v1/auth/register", json=account)["accessToken"]


def second_page(token):
    for _ in range(2):
        ask("POST", "/v1/posts", token, json={"content": "A bird over the sea"})

    return ask("GET", "/v1/posts?limit=1", token)["nextCursor"]


ADA = sign_up("ada")
CURSOR = second_page(ADA)


def is_valid(case):
    return case.meta.generation.mode.is_positive


def needs_token(context):
    return "security" in context.operation.definition.raw


class Bearer:
    def set(self, case, token, context):
        case.headers = {**(case.headers or {}), "Authorization": f"Bearer {token}"}


@schemathesis.auth(refresh_interval=None).apply_to(needs_token).skip_for(name=ENDING)
class Ada(Bearer):
    def get(self, case, context):
        return ADA


@schemathesis.auth(refresh_interval=None).apply_to(name=ENDING)
class Newcomer(Bearer):
    def get(self, case, context):
        return sign_up(uuid.uuid4().hex)

    def set(self, case, token, context):
        super().set(case, token, context)
        if "id" in case.path_parameters and is_valid(case):
            sessions = ask("GET", "/v1/auth/sessions", token)["sessions"]
            case.path_parameters["id"] = sessions[0]["id"]


@schemathesis.hook("before_call").apply_to(path="/v1/auth/register")
def have_a_name_of_ones_own(context, case, kwargs):
    """A name or an address that somebody has is refused."""
    if is_valid(case):
        own = uuid.uuid4().hex
        local, _, domain = case.body["email"].strip().partition("@")
        case.body["email"] = f"{local[:32]}{own}@{domain}"
        case.body["userName"] = case.body["userName"].strip()[:18] + own


@schemathesis.hook("before_call")
def use_a_key_once(context, case, kwargs):
    """An Idempotency-Key that came with another request is refused."""
    if "Idempotency-Key" in (case.headers or {}) and is_valid(case):
        case.headers["Idempotency-Key"] = uuid.uuid4().hex


@schemathesis.hook("before_call").apply_to(name=["GET /v1/posts", "GET /v1/posts/getall-posts"])
def begin_at_one_place(context, case, kwargs):
    """A cursor is made by the service, for one list, and goes with no page; pages end 10,000 posts down."""
    query = case.query
    if not is_valid(case):
        # One that was made up is refused, and whatever else is wrong would not be looked at.
        if isinstance(query.get("cursor"), str):
            del query["cursor"]
    elif "cursor" in query:
        query["cursor"] = CURSOR
        query.pop("page", None)
        query.pop("user", None)
    elif "page" in query:
        query["limit"] = 1


@schemathesis.hook("filter_body").apply_to(path_regex="^/v1/media")
def name_parts_as_headers_can(context, body):
    """The name of a form's part stands in a header, where control characters cannot."""
    names = body if isinstance(body, dict) else []

    return not any(char < " " or char == "\x7f" for name in names for char in name)


schemathesis.openapi.format("binary", st.sampled_from(FILES))


@schemathesis.deserializer("image/*", "video/*")
def file(context, response):
    """Any bytes are a string to a schema that says `binary`."""
    return response.content.decode("latin-1")
