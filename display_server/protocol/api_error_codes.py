"""Codes of the error responses of the HTTP interface.

`generate_typescript` copies the codes into the web client, which has a text in every language for each.
"""

from __future__ import annotations

from typing import Literal

ApiErrorCode = Literal[
    "account-conflict",  # the username of a person of a provider belongs to another account
    "account-disabled",  # the password is right, but the directory refuses the account
    "address-too-long",  # the request line exceeds its limit
    "bad-request",  # the request is not valid HTTP, or ended early
    "bad-token",  # the token for the administration API is wrong, expired or revoked
    "badge-locked",  # the PIN of the badge was wrong too often
    "badge-not-here",  # badges work only on enrolled devices
    "badge-unknown",  # the badge is unknown or revoked
    "break-glass-refused",  # the person may not take emergency access to this desktop
    "broker-away",  # the part of the server that knows accounts and desktops is restarting
    "busy",  # too many passwords are being checked
    "cross-site",  # the request does not come from a page of this server
    "desktop-ended",  # the desktop that the viewer showed has ended
    "desktop-ended-by-operator",  # an operator ended it
    "desktop-ended-by-you",  # its own person ended it
    "desktop-ended-not-entitled",  # it ended because the person's access to it was removed
    "desktop-ended-signed-out",  # the person signed out, and it was one of a pool
    "desktop-ended-time-limit",  # it reached the longest time that a policy allows
    "desktop-ended-unattended",  # it ended because nobody displayed it
    "desktop-failed",  # the desktop did not start, or ended while it was starting
    "device-name-taken",  # an enrolled device has the name of the one that should be enrolled
    "directory-away",  # the directory that would check the password does not answer
    "enrolment-code-wrong",  # the code that should enrol a device is mistyped, used or too old
    "factor-due",  # the password was right, and the second factor is missing
    "factor-last",  # the only second factor of a person who has to have one is not removed
    "factor-outside",  # a second factor is needed here, and the person may set up the first one only inside
    "factor-unreadable",  # the key of what is stored of second factors is not the right one
    "factor-wrong",  # the code or the passkey was not accepted
    "head-too-large",  # the header fields exceed their limit
    "inside-only",  # the person signed in without a second factor, in a network that this address is not in
    "internal",  # a fault of Lightbox
    "locked",  # the screen of this browser is locked
    "malformed",  # the body is not what this address expects
    "network-not-allowed",  # a policy does not allow work from this address
    "no-authority",  # the server uses a certificate of its operator
    "no-desktop",  # there is no such desktop, or the person may not open it
    "no-display",  # the desktop whose display should be restarted does not run
    "no-metrics-token",  # the request lacks the token for the metrics
    "no-passkey",  # there is no such passkey, or there can be none at this address
    "no-provider",  # there is no such provider, or the person did not sign in there
    "no-role",  # the person has no role, or the token no scope, for this part of the administration
    "no-websocket",  # there is no WebSocket at this address
    "not-found",  # there is nothing at this address
    "not-permitted",  # a role does not reach this object: one's own account, or that of an administrator
    "not-running",  # the desktop that should end does not run
    "one-desktop",  # a policy allows the person one desktop at a time, and another one runs
    "one-person",  # desktops are not isolated, and another person has one
    "other-device",  # the sign-in belongs to an enrolled device, and this browser is another one
    "password-expired",  # the password is right, but has to be changed in the directory
    "password-of-directory",  # the directory keeps the password, which cannot be changed here
    "password-of-provider",  # a provider keeps the password, which is not known here
    "pin-wrong",  # the PIN of the badge is wrong
    "pool-full",  # all desktops of a pool are in use, or assigned to other people
    "pool-maintenance",  # the operator took the pool out of service
    "pool-released",  # the person's desktop of a dedicated pool was released and is not wiped yet
    "pool-restrained",  # desktops of the pool fail again and again
    "proof-due",  # the person has to give the password again first
    "provider-answer",  # what a provider said is not accepted
    "provider-away",  # the provider does not answer
    "provider-denied",  # the provider does not let the person in
    "proxy-host",  # a reverse proxy changed the header Host
    "proxy-http",  # a reverse proxy serves the page over plain HTTP
    "proxy-tls",  # an unlisted address uses less than TLS 1.3
    "proxy-upgrade",  # a reverse proxy dropped the header Upgrade
    "refused",  # what was asked for cannot be done; the message says why
    "restart-not-allowed",  # a policy does not let the person end their desktop
    "sign-in-hours",  # the account may not sign in now, or not from here
    "sign-in-over",  # the password has to be given again: the sign-in took too long or failed too often
    "signed-out",  # the request needs a person who is signed in
    "slow-down",  # too many attempts to sign in have failed
    "step-up-due",  # administration takes the second factor once more
    "store-failed",  # the database or the state folder cannot be used
    "too-large",  # the body exceeds its limit
    "too-many-connections",  # a person, a device, an address or all together have too many connections
    "too-slow",  # the request did not arrive in time
    "unknown-host",  # the gateway does not accept this host name
    "weak-password",  # the new password is too short, too long or easily guessed
    "weak-pin",  # the new PIN is too short or easily guessed
    "wrong-credentials",  # the username or the password is wrong
    "wrong-method",  # this address does not accept this method
]
