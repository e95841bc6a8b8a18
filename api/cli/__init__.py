"""The flask commands of this product."""

import flask

from api.cli import (
    accounts,
    audit,
    backup,
    contact,
    crypto,
    demo,
    doctor,
    ledger,
    members,
    messages,
    organizations,
    periods,
    points,
    roster,
    schemes,
    work_calendar,
)


def register(app: flask.Flask) -> None:
    """Add the command groups to the app."""
    app.cli.add_command(organizations.org)
    app.cli.add_command(accounts.accounts)
    app.cli.add_command(audit.audit)
    app.cli.add_command(points.points)
    app.cli.add_command(schemes.scheme)
    app.cli.add_command(roster.roster)
    app.cli.add_command(members.members)
    app.cli.add_command(crypto.crypto)
    app.cli.add_command(ledger.ledger)
    app.cli.add_command(periods.period)
    app.cli.add_command(work_calendar.calendar)
    app.cli.add_command(contact.contact)
    app.cli.add_command(messages.messages)
    app.cli.add_command(doctor.doctor)
    app.cli.add_command(backup.backup)
    app.cli.add_command(demo.seed)
    app.cli.add_command(demo.demo)
