"""A client that does what standard input says, line by line, and tells what comes in."""

import asyncio
import json
import sys

from people import Person, SETTINGS, run, say


async def main():
    me = Person(SETTINGS["name"], "slixmpp", plugins=["xep_0280"])

    def heard(message):
        # A carbon is a message too, without a body of its own.
        if message["type"] in ("chat", "normal") and message["body"]:
            say(event="message", sender=message["from"].full, body=message["body"])

    def copied(direction):
        def tell(message):
            copy = message[f"carbon_{direction}"]
            say(event=direction, sender=copy["from"].full, body=copy["body"])
        return tell

    me.add_event_handler("message", heard)
    for direction in ("received", "sent"):
        me.add_event_handler(f"carbon_{direction}", copied(direction))
    me.add_event_handler("changed_status", lambda presence: say(
        event="presence", sender=presence["from"].full, type=presence["type"]))
    await me.join()
    await me["xep_0280"].enable()
    say(event="ready", address=me.boundjid.full)

    lines = asyncio.StreamReader()
    await me.loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(lines), sys.stdin)
    async for line in lines:
        command = json.loads(line)
        if command["do"] == "say":
            me.says(command["to"], command["body"])
        elif command["do"] == "subscribe":
            me.send_presence_subscription(pto=command["to"], ptype="subscribe")
        elif command["do"] == "grant":
            me.send_presence_subscription(pto=command["to"], ptype="subscribed")
    await me.disconnect()

run(main)
