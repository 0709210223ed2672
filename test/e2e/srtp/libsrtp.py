"""libsrtp, by lines: each line of stdin is a request in JSON, each line of stdout its answer.

{"open": name, "key": hex, "suite": name, "direction": "in" | "out"}   ->  {"ok": true}
{"call": "protect" | "unprotect" | "protect_rtcp" | "unprotect_rtcp", "session": name, "packet": hex}
                                                                       ->  {"packet": hex} or {"error": text}
"""

import json
import sys

from pylibsrtp import Error, Policy, Session

PROFILES = {
    "AEAD_AES_128_GCM": Policy.SRTP_PROFILE_AEAD_AES_128_GCM,
    "AEAD_AES_256_GCM": Policy.SRTP_PROFILE_AEAD_AES_256_GCM,
}
SSRC_TYPES = {"in": Policy.SSRC_ANY_INBOUND, "out": Policy.SSRC_ANY_OUTBOUND}
sessions = {}


def answer(request):
    if "open" in request:
        policy = Policy(
            key=bytes.fromhex(request["key"]),
            ssrc_type=SSRC_TYPES[request["direction"]],
            srtp_profile=PROFILES[request["suite"]],
        )
        sessions[request["open"]] = Session(policy)
        return {"ok": True}
    call = getattr(sessions[request["session"]], request["call"])
    try:
        return {"packet": call(bytes.fromhex(request["packet"])).hex()}
    except Error as error:
        return {"error": str(error)}


for line in sys.stdin:
    print(json.dumps(answer(json.loads(line))), flush=True)
