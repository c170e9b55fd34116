"""What the scripts share: a person with a client, and checks that are printed as JSON lines."""

import asyncio
import json
import logging
import sys
from pathlib import Path

import slixmpp

SETTINGS = json.loads(sys.argv[1])
"""domain, port, certificate (a file), passwords (by name)"""

PATIENCE = 15


def say(**what):
    print(json.dumps(what), flush=True)


def check(title, ok, /, **seen):
    """One line for the test that started this script."""
    say(check=title, ok=bool(ok), seen={key: str(value) for key, value in seen.items()})


class Person(slixmpp.ClientXMPP):
    """A client that verifies the server's certificate, and keeps what comes in until a check asks for it."""

    def __init__(self, name, resource, password=None, plugins=(), port=None, mechanism="SCRAM-SHA-256"):
        jid = f"{name}@{SETTINGS['domain']}/{resource}"
        super().__init__(jid, password or SETTINGS["passwords"][name], sasl_mech=mechanism)
        if mechanism:
            self.bind_no_channel()
        self.ca_certs = Path(SETTINGS["certificate"])
        # slixmpp looks the name up with this port, whatever `connect` is given.
        self.default_port = port or SETTINGS["port"]
        self.auto_authorize = None
        self.auto_subscribe = False
        self.events = {}
        for plugin in ("xep_0030", "xep_0199", *plugins):
            self.register_plugin(plugin)
        for event in ("session_start", "session_resumed", "failed_auth", "disconnected", "message", "changed_status",
                      "presence_subscribe", "presence_subscribed", "presence_unavailable", "roster_update",
                      "carbon_received", "carbon_sent", "blocked", "unblocked", "stanza_acked", "sm_enabled"):
            self.collect(event)

    def bind_no_channel(self):
        """slixmpp knows tls-unique only, which TLS 1.3 does not have; told so, it uses SCRAM without it."""
        sasl = self["feature_mechanisms"]
        credentials = sasl.sasl_callback
        sasl.sasl_callback = lambda *values: {**credentials(*values), "channel_binding": b""}

    def collect(self, event):
        queue = self.events[event] = asyncio.Queue()
        self.add_event_handler(event, queue.put_nowait)

    async def next(self, event, fits=lambda seen: True):
        """The next event of a kind that fits; those before it are dropped."""
        async def search():
            while True:
                seen = await self.events[event].get()
                if fits(seen):
                    return seen
        try:
            return await asyncio.wait_for(search(), PATIENCE)
        except asyncio.TimeoutError:
            raise TimeoutError(f"{self.boundjid}: no {event}") from None

    def begin(self):
        self.connect((SETTINGS["domain"], self.default_port))

    async def join(self, presence=True):
        self.begin()
        await self.next("session_start")
        if presence:
            await self.get_roster()
            self.send_presence()
            await self.next("changed_status", lambda seen: seen["from"] == self.boundjid)
        return self

    def says(self, to, body):
        self.send_message(mto=to, mbody=body, mtype="chat")


def has_body(body):
    return lambda seen: seen["body"] == body


def run(main):
    """Runs the checks; what goes wrong is printed too, and fails the test."""
    logging.basicConfig(level=logging.WARNING)
    try:
        asyncio.get_event_loop_policy().get_event_loop().run_until_complete(main())
    except Exception as error:
        check("no exception", False, error=repr(error))
        raise
