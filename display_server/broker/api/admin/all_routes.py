"""Registers all routes of the administration API."""

from __future__ import annotations

from fastapi import FastAPI

from display_server.broker.api.admin.access_routes import add_access_routes
from display_server.broker.api.admin.audit_routes import add_audit_routes
from display_server.broker.api.admin.device_routes import add_device_routes
from display_server.broker.api.admin.event_routes import add_event_routes
from display_server.broker.api.admin.group_routes import add_group_routes
from display_server.broker.api.admin.overview_routes import add_overview_routes
from display_server.broker.api.admin.people_routes import add_people_routes
from display_server.broker.api.admin.policy_routes import add_policy_routes
from display_server.broker.api.admin.pool_image_routes import add_pool_image_routes
from display_server.broker.api.admin.pool_routes import add_pool_routes
from display_server.broker.api.admin.registration import AdminRoutes
from display_server.broker.api.admin.session_routes import add_session_routes
from display_server.broker.api.admin.system_routes import add_system_routes
from display_server.broker.api.admin.token_routes import add_token_routes
from display_server.broker.api.services import BrokerServices


def add_admin_routes(app: FastAPI, services: BrokerServices) -> None:
    admin = AdminRoutes(services)
    add_overview_routes(admin)
    add_pool_routes(admin)
    add_pool_image_routes(admin)
    add_session_routes(admin)
    add_people_routes(admin)
    add_group_routes(admin)
    add_access_routes(admin)
    add_policy_routes(admin)
    add_device_routes(admin)
    add_audit_routes(admin)
    add_system_routes(admin)
    add_token_routes(admin)
    add_event_routes(admin)
    admin.add_to(app)
