"""Rosters, subscriptions, presence, chats and blocking."""

from people import Person, check, has_body, run

TALK = ("But, soft! – ‘what light’ 灯 🌹 through yonder window breaks? <&>\"'", "He jests at scars\nthat never felt a wound.")


async def contact_of(owner, contact):
    # With roster versioning (RFC 6121 §2.6) the answer has nothing that pushes have already told.
    await owner.get_roster()
    return owner.client_roster[contact.boundjid.bare]


async def befriend(romeo, juliet):
    roster = await juliet.get_roster()
    check("begins with an empty roster", len(roster["roster"]["items"]) == 0, roster=roster)
    romeo.send_presence_subscription(pto=juliet.boundjid.bare, ptype="subscribe")
    asked = await juliet.next("presence_subscribe")
    check("is asked for a subscription", asked["from"] == romeo.boundjid.bare, presence=asked)
    juliet.send_presence_subscription(pto=romeo.boundjid.bare, ptype="subscribed")
    granted = await romeo.next("presence_subscribed")
    check("is told that it was granted", granted["from"] == juliet.boundjid.bare, presence=granted)
    online = await romeo.next("changed_status", lambda seen: seen["from"] == juliet.boundjid)
    check("sees the contact online at once", online["type"] == "available", presence=online)

    juliet.send_presence_subscription(pto=romeo.boundjid.bare, ptype="subscribe")
    await romeo.next("presence_subscribe")
    romeo.send_presence_subscription(pto=juliet.boundjid.bare, ptype="subscribed")
    await juliet.next("changed_status", lambda seen: seen["from"] == romeo.boundjid)
    state = (await contact_of(romeo, juliet))["subscription"]
    check("both are in each other's roster", state == "both", subscription=state)


async def names(romeo, juliet):
    await romeo.update_roster(juliet.boundjid.bare, name="Juliet Capulet", groups=["Verona"])
    item = await contact_of(romeo, juliet)
    check("gives a contact a name and a group", (item["name"], item["groups"]) == ("Juliet Capulet", ["Verona"]),
          name=item["name"], groups=item["groups"])


async def presence(romeo, juliet):
    juliet.send_presence(pshow="dnd", pstatus="at Friar Laurence’s cell", ppriority=5)
    busy = await romeo.next("changed_status", lambda seen: seen["show"] == "dnd")
    check("sees show, status and priority", (busy["status"], busy["priority"]) == ("at Friar Laurence’s cell", 5),
          presence=busy)


async def chat(romeo, juliet):
    romeo.says(juliet.boundjid.bare, TALK[0])
    heard = await juliet.next("message", has_body(TALK[0]))
    check("talks, with all of Unicode", heard["from"] == romeo.boundjid and heard["type"] == "chat", message=heard)
    heard.reply(TALK[1]).send()
    answer = await romeo.next("message", has_body(TALK[1]))
    check("is answered", answer["from"] == juliet.boundjid, message=answer)


async def blocking(romeo, juliet):
    romeo_at = romeo.boundjid
    # XEP-0191 §3.3: pushes go to those who have asked for the list.
    await juliet["xep_0191"].get_blocked()
    await juliet["xep_0191"].block(romeo_at.bare)
    await juliet.next("blocked")
    left = await romeo.next("presence_unavailable", lambda seen: seen["from"] == juliet.boundjid)
    check("a blocked contact sees the other leave", left["type"] == "unavailable", presence=left)
    listed = (await juliet["xep_0191"].get_blocked())["blocklist"]["items"]
    check("the block list holds the contact", {str(jid) for jid in listed} == {romeo_at.bare}, listed=listed)
    romeo.says(juliet.boundjid.bare, "do you hear me?")
    error = await romeo.next("message_error")
    check("a message of a blocked contact comes back", error["error"]["condition"] == "service-unavailable", error=error)
    await juliet["xep_0191"].unblock(romeo_at.bare)
    await juliet.next("unblocked")
    romeo.says(juliet.boundjid.bare, "and now?")
    heard = await juliet.next("message")
    check("after unblocking messages arrive", heard["body"] == "and now?", message=heard)


async def main():
    romeo = await Person("romeo", "orchard").join()
    juliet = await Person("juliet", "balcony", plugins=["xep_0191"]).join()
    romeo.collect("message_error")
    await befriend(romeo, juliet)
    await names(romeo, juliet)
    await presence(romeo, juliet)
    await chat(romeo, juliet)
    await blocking(romeo, juliet)
    await juliet.disconnect()
    gone = await romeo.next("presence_unavailable", lambda seen: seen["from"] == juliet.boundjid)
    check("sees the contact leave", gone["type"] == "unavailable", presence=gone)

run(main)
