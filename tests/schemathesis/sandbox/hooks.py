"""What a valid request must be beyond what the schemas of the admin API can say."""

import schemathesis

# Those of the sandbox's catalogue.
VENDORS = ["sandbox-swift", "sandbox-studio", "sandbox-cinema"]
# Valid texts in place of the schema's, which is any text.
TOML = {
    "/__sandbox/clock": "advance_seconds = 1.5",
    "/__sandbox/vendors": '[vendors]\nsandbox-swift = "up"',
    "/__sandbox/scenario": "[settings]\nretention_days = 3",
}
RULES = '[[fault]]\naction = "stuck"\nnth = 1'


@schemathesis.serializer("application/toml")
def toml(context, value):
    return str(value).encode("utf-8", errors="replace")


def is_negative(case):
    return case.meta is not None and case.meta.generation.mode.is_negative


@schemathesis.hook
def filter_case(context, case):
    # A list of rules is accepted in place of an object with one.
    if isinstance(case.body, list):
        return False
    # No text is invalid by the schema of a TOML body, not even an empty one, which needs no Content-Type.
    has_body = isinstance(case.body, dict) or len(list(case.operation.body)) == 0
    return has_body or not is_negative(case)


@schemathesis.hook
def before_call(context, case, kwargs):
    if is_negative(case):
        return
    if case.media_type == "application/toml":
        case.body = TOML.get(case.path, RULES)
    if not isinstance(case.body, dict):
        return
    if isinstance(case.body.get("vendors"), dict):
        case.body["vendors"] = dict(zip(VENDORS, case.body["vendors"].values()))
    for rule in case.body.get("fault", []):
        # A rule for one account in a request for another is rejected.
        if "account" in (case.query or {}):
            rule.pop("account", None)
        # And so is one whose time ends before it begins, in nanoseconds.
        if rule.get("until_seconds", 1e10) - rule.get("from_seconds", 0) < 1e-6:
            rule.pop("until_seconds", None)
