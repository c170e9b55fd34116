"""What an account keeps: carbons, archive, vCard, password."""

from people import Person, check, has_body, run


async def carbons(romeo, phone, juliet):
    await romeo["xep_0280"].enable()
    await phone["xep_0280"].enable()
    juliet.says(romeo.boundjid, "for your desk only")
    copy = (await phone.next("carbon_received"))["carbon_received"]
    check("the other client sees what was received", copy["body"] == "for your desk only", carbon=copy)
    romeo.says(juliet.boundjid, "from my desk")
    copy = (await phone.next("carbon_sent"))["carbon_sent"]
    check("the other client sees what was sent", copy["body"] == "from my desk", carbon=copy)
    await juliet.next("message", has_body("from my desk"))


async def archive(romeo, juliet):
    for number in range(12):
        juliet.says(romeo.boundjid, f"line {number}")
    await romeo.next("message", has_body("line 11"))
    seen = [kept async for kept in romeo["xep_0313"].iterate(with_jid=juliet.boundjid.bare, rsm={"max": 5})]
    bodies = [kept["mam_result"]["forwarded"]["stanza"]["body"] for kept in seen]
    wanted = ["for your desk only", "from my desk", *(f"line {number}" for number in range(12))]
    check("pages through the whole conversation", bodies == wanted, bodies=bodies)
    stamps = [kept["mam_result"]["forwarded"]["delay"]["stamp"] for kept in seen]
    check("in the order of time", stamps == sorted(stamps), stamps=stamps)
    # Messages of the same millisecond have the same stamp.
    later = [body for body, stamp in zip(wanted, stamps) if stamp >= stamps[5]]
    backwards = romeo["xep_0313"].iterate(start=stamps[5], reverse=True, rsm={"max": 4})
    bodies = [kept["mam_result"]["forwarded"]["stanza"]["body"] async for kept in backwards]
    check("pages backwards to a point in time", sorted(bodies) == sorted(later), bodies=bodies)


async def vcard(romeo, juliet):
    card = romeo["xep_0054"].make_vcard()
    card["FN"] = "Romeo Montague – Ρωμαίος"
    card["NICKNAME"] = "Romeo"
    card["PHOTO"]["TYPE"] = "image/png"
    card["PHOTO"]["BINVAL"] = bytes(range(256)) * 8
    await romeo["xep_0054"].publish_vcard(card)
    found = (await juliet["xep_0054"].get_vcard(romeo.boundjid.bare, cached=False))["vcard_temp"]
    check("publishes a vCard that others read", found["FN"] == "Romeo Montague – Ρωμαίος", name=found["FN"])
    check("with its photo", found["PHOTO"]["BINVAL"] == bytes(range(256)) * 8, photo=found["PHOTO"]["TYPE"])


async def password():
    juliet = await Person("juliet", "changing", plugins=["xep_0077"]).join(presence=False)
    await juliet["xep_0077"].change_password("Wherefore art thou, Rømeo?", jid=juliet.boundjid.host,
                                             ifrom=juliet.boundjid)
    check("changes its password", True)
    await juliet.disconnect()
    again = await Person("juliet", "changed", password="Wherefore art thou, Rømeo?").join(presence=False)
    check("logs in with the new password", again.boundjid.user == "juliet", jid=again.boundjid)
    old = Person("juliet", "old")
    old.begin()
    failure = await old.next("failed_auth")
    check("but not with the old one", failure["condition"] == "not-authorized", condition=failure["condition"])


async def main():
    plugins = ["xep_0280", "xep_0313", "xep_0054"]
    romeo = await Person("romeo", "desk", plugins=plugins).join()
    phone = await Person("romeo", "phone", plugins=plugins).join()
    juliet = await Person("juliet", "balcony", plugins=plugins).join()
    await carbons(romeo, phone, juliet)
    await archive(romeo, juliet)
    await vcard(romeo, juliet)
    await password()

run(main)
