"""Why the administration API refuses a request."""

from __future__ import annotations

from display_server.broker.api.admin.routes import Route
from display_server.broker_link.api_error import ApiError


class NotAllowedError(ApiError):
    """Somebody asked for what their role does not allow. Refused acts are recorded in the audit."""


def no_role(route: Route) -> NotAllowedError:
    roles = sorted(role.value for role in route.roles)
    return NotAllowedError(
        403,
        "no-role",
        "You have no role for this part of the administration.",
        next_step=f"It takes one of these roles: {', '.join(roles)}. An administrator can give it.",
    )


def no_scope(route: Route) -> NotAllowedError:
    scope = route.scope.value if route.scope else "any"
    return NotAllowedError(
        403,
        "no-role",
        "This token may not be used for that.",
        next_step=f"Create one with the scope `{scope}`, without a limit to reading if it changes something.",
    )


def not_permitted() -> NotAllowedError:
    return NotAllowedError(
        403,
        "not-permitted",
        "Your role does not reach this object: it is your own account, or belongs to an administrator or an "
        "auditor.",
        next_step="Ask another administrator to do it.",
    )


def out_of_scope(what: str) -> NotAllowedError:
    """Says the same as `not_found`, so that nobody learns of what is outside of their scope."""
    return NotAllowedError(404, "not-found", _nothing(what), next_step=_CHECK)


def not_found(what: str) -> ApiError:
    """`what` names the kind of object, as `person`."""
    return ApiError(404, "not-found", _nothing(what), next_step=_CHECK)


def bad_token() -> ApiError:
    return ApiError(
        401,
        "bad-token",
        "This token is wrong, or it has expired or was revoked.",
        next_step="Create a new one with `lightbox token create`.",
        headers={"WWW-Authenticate": "Bearer"},
    )


def step_up_due() -> ApiError:
    return ApiError(
        403,
        "step-up-due",
        "Administration from here takes your password and your second factor once more.",
        next_step="Send the password to `/api/v1/me/step-up`, then repeat the request.",
    )


def refused(cause: str, next_step: str) -> ApiError:
    """What was asked for cannot be done."""
    return ApiError(409, "refused", cause, next_step=next_step)


_CHECK = "Check the name, or look at the list."


def _nothing(what: str) -> str:
    return f"There is no such {what} that you may see."
