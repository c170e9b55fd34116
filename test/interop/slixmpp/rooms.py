"""A room in which others have talked: its archive, and those who are in it."""

from people import Person, SETTINGS, check, run

ROOM = f"orchard@conference.{SETTINGS['domain']}"
LINES = ["He jests at scars that never felt a wound.", "Ay me!", "She speaks:", *(f"line {n}" for n in range(7)), "Good night, good night!"]


async def archive(reader):
    async def bodies(**how):
        pages = reader["xep_0313"].iterate(jid=ROOM, **how)
        return [kept["mam_result"]["forwarded"]["stanza"]["body"] async for kept in pages]
    # The subject is in the archive too, without a body.
    read = [body for body in await bodies(rsm={"max": 4}) if body]
    check("pages through all that was said in the room", read == LINES, bodies=read)
    back = [body for body in await bodies(rsm={"max": 3}, reverse=True) if body]
    check("and backwards", sorted(back) == sorted(LINES), bodies=back)


async def enter(reader):
    features = (await reader["xep_0030"].get_info(jid=ROOM, cached=False))["disco_info"]["features"]
    check("the room says what it is", {"http://jabber.org/protocol/muc", "muc_open", "urn:xmpp:mam:2"} <= set(features),
          features=features)
    muc = reader["xep_0045"]
    await muc.join_muc_wait(ROOM, "reader", maxstanzas=2)
    check("sees who is in the room", {"Romeo", "Juliet", "reader"} <= set(muc.get_roster(ROOM)), roster=muc.get_roster(ROOM))
    shown = [(await reader.next("groupchat_message", lambda seen: seen["body"]))["body"] for _ in range(2)]
    check("is shown so many lines as it asked for", shown == LINES[-2:], shown=shown)


async def main():
    reader = await Person("juliet", "reader", plugins=["xep_0045", "xep_0313"]).join()
    reader.collect("groupchat_message")
    await archive(reader)
    await enter(reader)

run(main)
