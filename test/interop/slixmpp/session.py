"""Login with STARTTLS and SCRAM, ping, discovery, resumption."""

from people import Person, SETTINGS, check, has_body, run


async def secured():
    romeo = await Person("romeo", "session").join()
    tls = romeo.transport.get_extra_info("ssl_object")
    check("the certificate is verified", tls.context.check_hostname and tls.getpeercert(), version=tls.version())
    mechanism = romeo["feature_mechanisms"].mech.name
    check("logs in with SCRAM", mechanism.startswith("SCRAM-"), mechanism=mechanism)
    check("gets the resource that it asked for", romeo.boundjid.resource == "session", jid=romeo.boundjid)
    return romeo


async def defaults():
    romeo = await Person("romeo", "defaults", mechanism=None).join(presence=False)
    mechanism = romeo["feature_mechanisms"].mech.name
    check("logs in with its defaults, though its channel binding is not that of TLS 1.3", True, mechanism=mechanism)


async def wrong_password():
    romeo = Person("romeo", "wrong", password="something else")
    romeo.begin()
    failure = await romeo.next("failed_auth")
    check("a wrong password is refused", failure["condition"] == "not-authorized", condition=failure["condition"])


async def asks_the_server(romeo):
    rtt = await romeo["xep_0199"].ping(SETTINGS["domain"])
    check("pings the server", 0 <= rtt < 10, rtt=rtt)
    info = await romeo["xep_0030"].get_info(jid=SETTINGS["domain"])
    identities = info["disco_info"]["identities"]
    check("finds an instant messaging server", ("server", "im") in {i[:2] for i in identities}, identities=identities)
    features = info["disco_info"]["features"]
    wanted = {"urn:xmpp:ping", "vcard-temp", "urn:xmpp:carbons:2", "urn:xmpp:blocking", "jabber:iq:roster"}
    check("finds what the server can do", wanted <= features, missing=wanted - features)
    own = await romeo["xep_0030"].get_info(jid=romeo.boundjid.bare)
    account = own["disco_info"]
    check("finds its account", ("account", "registered") in {i[:2] for i in account["identities"]},
          identities=account["identities"])
    check("finds the archive of its account", "urn:xmpp:mam:2" in account["features"], features=account["features"])


async def resumes():
    romeo = Person("romeo", "resuming", plugins=["xep_0198"])
    await romeo.join()
    juliet = await Person("juliet", "resuming").join()
    enabled = await romeo.next("sm_enabled")
    check("enables stream management", enabled["resume"] and enabled["id"], enabled=enabled)

    romeo.says(juliet.boundjid, "before the cut")
    await juliet.next("message", has_body("before the cut"))
    romeo["xep_0198"].request_ack()
    acked = await romeo.next("stanza_acked", lambda seen: seen.name == "message")
    check("its messages are acknowledged", acked["body"] == "before the cut", acked=acked)

    romeo.abort()
    await romeo.next("disconnected")
    juliet.says(romeo.boundjid, "while you were away")
    romeo.begin()
    await romeo.next("session_resumed")
    check("resumes its session", romeo.boundjid.resource == "resuming", jid=romeo.boundjid)
    late = await romeo.next("message", has_body("while you were away"))
    check("gets what it missed", late["from"] == juliet.boundjid, message=late)
    romeo.says(juliet.boundjid, "after the cut")
    again = await juliet.next("message", has_body("after the cut"))
    check("goes on under the same address", again["from"] == romeo.boundjid, message=again)


async def main():
    romeo = await secured()
    await defaults()
    await wrong_password()
    await asks_the_server(romeo)
    await resumes()

run(main)
