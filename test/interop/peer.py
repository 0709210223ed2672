#!/usr/bin/env python3
"""
A peer in another language: FORMAT.md sections 1 to 7 on Python's `cryptography`, as an adapter for `frameseal verify --peer`
(fixtures/README.md, "An adapter for a peer"). Written from FORMAT.md and the RFCs that it names; it shares nothing with src/
and test/support/second/. Sections are those of FORMAT.md. For tests alone: nothing is wiped, and time depends on secrets.

    frameseal verify --peer "python3 test/interop/peer.py" --random 20000 fixtures/*.json
"""
import base64
import hmac
import json
import sys

from cryptography.exceptions import InvalidTag, UnsupportedAlgorithm
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

TAG_BYTES = 16
BLOCK_BYTES = 16
CTR_LIMIT = 1 << 53


class Refused(Exception):
    """The status of a frame that is not sealed or opened (section 7)."""


def u64(number):
    return number.to_bytes(8, "big")


# Section 1: configuration.

MODES = {
    "aes_128_gcm2": "AES_128_GCM2",
    "aes_128_gcm_2": "AES_128_GCM2",
    "7": "AES_128_GCM2",
    "aes_256_gcm2": "AES_256_GCM2",
    "aes_256_gcm_2": "AES_256_GCM2",
    "8": "AES_256_GCM2",
    "sm4_128_ecb": "SM4_128_ECB",
    "4": "SM4_128_ECB",
}


class Config:
    def __init__(self, config):
        self.mode = MODES[str(config["encryptionMode"]).lower().replace("-", "_")]
        self.key = bytes.fromhex(config["encryptionKey"])
        self.salt = base64.b64decode(config.get("encryptionKdfSalt", ""))
        self.key_id = config.get("keyId", 0)
        self.context = config.get("context", "").encode()
        self.is_sm4 = self.mode == "SM4_128_ECB"


# Section 2: the key schedule, on HKDF (RFC 5869).

# Per mode: hash, Nh, Nk, and the SFrame cipher suite.
SUITES = {"AES_128_GCM2": ("sha256", 32, 16, 4), "AES_256_GCM2": ("sha512", 64, 32, 5)}


def hkdf_extract(hash_name, salt, ikm):
    return hmac.digest(salt, ikm, hash_name)


def hkdf_expand(hash_name, prk, info, length):
    okm = block = b""
    count = 0
    while len(okm) < length:
        count += 1
        block = hmac.digest(prk, block + info + bytes([count]), hash_name)
        okm += block
    return okm[:length]


def sframe_keys(suite, base_key, kid):
    """RFC 9605 section 4.4.2."""
    hash_name, _, key_bytes, suite_id = suite
    secret = hkdf_extract(hash_name, b"", base_key)
    end = u64(kid) + suite_id.to_bytes(2, "big")
    frame_key = hkdf_expand(hash_name, secret, b"SFrame 1.0 Secret key " + end, key_bytes)
    frame_salt = hkdf_expand(hash_name, secret, b"SFrame 1.0 Secret salt " + end, 12)
    return {"secret": secret, "frameKey": frame_key, "frameSalt": frame_salt}


def label(config, what):
    return f"frameseal/1 {config.mode} {what}".encode()


def channel_prk(config):
    return hkdf_extract(SUITES[config.mode][0], config.salt, config.key)


def sender_keys(config, kid):
    suite = SUITES[config.mode]
    hash_name, hash_bytes = suite[:2]
    info = label(config, "base key ") + u64(kid) + config.context
    base_key = hkdf_expand(hash_name, channel_prk(config), info, hash_bytes)
    return {"baseKey": base_key, **sframe_keys(suite, base_key, kid)}


def gcm2_fingerprint(config):
    return hkdf_expand(SUITES[config.mode][0], channel_prk(config), label(config, "fingerprint") + config.context, 8)


# Section 4: the SFrame ciphertext.


def sframe_header(kid, ctr):
    config_byte, numbers = 0, b""
    for number in (kid, ctr):
        if number < 8:
            half = number
        else:
            length = (number.bit_length() + 7) // 8
            half = 8 | (length - 1)
            numbers += number.to_bytes(length, "big")
        config_byte = config_byte << 4 | half
    return bytes([config_byte]) + numbers


def read_sframe_header(frame):
    """KID, CTR and the length of the header at the start of a frame."""
    if not frame:
        raise Refused("MALFORMED")
    at, numbers = 1, []
    for half in (frame[0] >> 4, frame[0] & 15):
        if half < 8:
            numbers.append(half)
            continue
        field = frame[at : at + (half & 7) + 1]
        at += (half & 7) + 1
        number = int.from_bytes(field, "big")
        if at > len(frame) or field[0] == 0 or number < 8:
            raise Refused("MALFORMED")
        numbers.append(number)
    kid, ctr = numbers
    if ctr >= CTR_LIMIT:
        raise Refused("MALFORMED")
    return kid, ctr, at


def nonce_of(frame_salt, ctr):
    return (int.from_bytes(frame_salt, "big") ^ ctr).to_bytes(12, "big")


# Section 4: what stays in the clear.


def rtp_header_length(packet):
    length = 12 + 4 * (packet[0] & 15)
    if packet[0] & 0x10:
        length += 4
        if len(packet) < length:
            raise Refused("MALFORMED")
        length += 4 * int.from_bytes(packet[length - 2 : length], "big")
    if len(packet) < length:
        raise Refused("MALFORMED")
    return length


def is_rtcp_compound(packet):
    at = 0
    while at + 4 <= len(packet):
        if packet[at] >> 6 != 2 or not 192 <= packet[at + 1] <= 223:
            return False
        at += 4 + 4 * int.from_bytes(packet[at + 2 : at + 4], "big")
    return at == len(packet)


class Layout:
    """How one frame is laid out: its first `clear_length` bytes stay in the clear, `tail` follows the tag."""

    def __init__(self, config, options, frame, clear):
        self.tail = b""
        bound = options.get("bindHeader", True)
        if options.get("framing", "rtp") == "frame":
            header_length, mark = 0, b""
        elif not frame:
            raise Refused("MALFORMED")
        elif not 128 <= frame[0] <= 191:
            raise Refused("NOT_RTP")
        elif len(frame) >= 2 and 192 <= frame[1] <= 223:
            if len(frame) < 8:
                raise Refused("MALFORMED")
            if config.is_sm4 or options.get("rtcp", "sealed") == "clear":
                raise Refused("RTCP" if is_rtcp_compound(frame) else "NOT_RTP")
            # Clear bytes are those of media.
            header_length, clear, mark = 8, 0, b"\x01"
        else:
            header_length = rtp_header_length(frame)
            mark = bytes([frame[0] & 0x20])
            if frame[0] & 0x20 and not config.is_sm4:
                self.tail = b"\x01"
        if len(frame) - header_length < clear:
            raise Refused("MALFORMED")
        self.clear_length = header_length + clear
        self.metadata = (frame[:header_length] if bound else mark) + frame[header_length : self.clear_length]


def check_length(options, frame, extra):
    """Section 7, the largest inputs."""
    most = 65_535 if options.get("framing", "rtp") == "rtp" else 16_777_215
    if len(frame) > most + extra:
        raise Refused("TOO_LARGE")


def fits(out_length, length):
    if out_length is not None and out_length < length:
        raise Refused("NO_ROOM")


def seal(config, options, kid, ctr, frame, clear, out_length):
    check_length(options, frame, 0)
    layout = Layout(config, options, frame, clear)
    head, text = frame[: layout.clear_length], frame[layout.clear_length :]
    if config.is_sm4:
        count = BLOCK_BYTES - len(text) % BLOCK_BYTES
        sealed = head + sm4(key16(config.key), text + bytes([count]) * count, "encrypt")
    else:
        header = sframe_header(kid, ctr)
        keys = sender_keys(config, kid)
        nonce = nonce_of(keys["frameSalt"], ctr)
        ciphertext = AESGCM(keys["frameKey"]).encrypt(nonce, text, header + layout.metadata)
        sealed = head + header + ciphertext + layout.tail
    fits(out_length, len(sealed))
    return sealed


# Section 5: SM4.


def sm4(key, blocks, direction, iterations=1):
    cipher = Cipher(algorithms.SM4(key), modes.ECB())
    context = cipher.encryptor() if direction == "encrypt" else cipher.decryptor()
    for _ in range(iterations):
        blocks = context.update(blocks)
    return blocks


def key16(key):
    if len(key) == 16:
        return key
    return hkdf_expand("sha256", hkdf_extract("sha256", b"", key), b"frameseal/1 SM4_128_ECB key", 16)


def sm4_fingerprint(key):
    prk = hkdf_extract("sha256", b"", key16(key))
    return hkdf_expand("sha256", prk, b"frameseal/1 SM4_128_ECB fingerprint", 8)


def unpad(padded):
    if not padded or len(padded) % BLOCK_BYTES:
        raise Refused("BAD_TAG")
    count = padded[-1]
    if not 1 <= count <= BLOCK_BYTES or padded[-count:] != bytes([count]) * count:
        raise Refused("BAD_TAG")
    return padded[:-count]


# Section 6: opening.


class Opener:
    def __init__(self, config, options, own_kids):
        self.config = config
        self.options = options
        self.own_kids = own_kids
        self.window = options.get("replayWindow", 1024)
        # The CTRs accepted of each KID.
        self.accepted = {}

    def open(self, frame, clear, out_length=None):
        config = self.config
        if not frame:
            raise Refused("MALFORMED")
        is_rtp = self.options.get("framing", "rtp") == "rtp"
        check_length(self.options, frame, 16 if config.is_sm4 else 30 if is_rtp else 29)
        layout = Layout(config, self.options, frame, clear)
        head, rest = frame[: layout.clear_length], frame[layout.clear_length :]
        if config.is_sm4:
            fits(out_length, len(frame))
            if len(rest) % BLOCK_BYTES:
                raise Refused("BAD_TAG")
            return head + unpad(sm4(key16(config.key), rest, "decrypt"))
        if layout.tail:
            if rest[-1:] != layout.tail:
                raise Refused("MALFORMED")
            rest = rest[:-1]
        return head + self.open_sframe(rest, layout, out_length)

    def open_sframe(self, frame, layout, out_length):
        kid, ctr, header_length = read_sframe_header(frame)
        if len(frame) < header_length + TAG_BYTES:
            raise Refused("MALFORMED")
        fits(out_length, layout.clear_length + len(frame) - header_length - TAG_BYTES)
        if kid in self.own_kids:
            raise Refused("OWN_FRAME")
        if kid >> 60 != self.config.key_id:
            raise Refused("UNKNOWN_KEY")
        accepted = self.accepted.get(kid, set())
        if accepted and max(accepted) - ctr >= self.window:
            raise Refused("TOO_OLD")
        if ctr in accepted:
            raise Refused("REPLAYED")
        keys = sender_keys(self.config, kid)
        aad = frame[:header_length] + layout.metadata
        try:
            text = AESGCM(keys["frameKey"]).decrypt(nonce_of(keys["frameSalt"], ctr), frame[header_length:], aad)
        except InvalidTag:
            raise Refused("BAD_TAG") from None
        self.accepted.setdefault(kid, set()).add(ctr)
        return text


# The adapter: a function per operation, from the fields of a request to those of an answer.


def answer_derive(request):
    config = Config(request["config"])
    if config.is_sm4:
        keys, fingerprint = {"key16": key16(config.key)}, sm4_fingerprint(config.key)
    else:
        keys, fingerprint = {"prk": channel_prk(config)}, gcm2_fingerprint(config)
        if "kid" in request:
            keys.update(sender_keys(config, int(request["kid"])))
    groups = fingerprint.hex("-", 2)
    return {"fingerprint": groups, **keys}


def answer_seal(request):
    kid, ctr = int(request.get("kid", 0)), int(request.get("ctr", 0))
    frame = bytes.fromhex(request["input"])
    out_length, clear = request.get("outLength"), request.get("clear", 0)
    return {"sealed": seal(Config(request["config"]), request["options"], kid, ctr, frame, clear, out_length)}


def answer_open(request):
    own_kids = [int(request["ownKid"])] if "ownKid" in request else []
    opener = Opener(Config(request["config"]), request["options"], own_kids)
    clear = request.get("clear", 0)
    for frame in request.get("before", []):
        try:
            opener.open(bytes.fromhex(frame), clear)
        except Refused:
            pass
    return {"opened": opener.open(bytes.fromhex(request["sealed"]), clear, request.get("outLength"))}


def answer_sm4(request):
    key, is_padded = bytes.fromhex(request["key"]), request["padding"] == "pkcs7"
    if "ciphertext" in request:
        blocks, direction, name = bytes.fromhex(request["ciphertext"]), "decrypt", "plaintext"
        if len(blocks) % BLOCK_BYTES:
            raise Refused("BAD_TAG")
    else:
        blocks, direction, name = bytes.fromhex(request["plaintext"]), "encrypt", "ciphertext"
        if is_padded:
            count = BLOCK_BYTES - len(blocks) % BLOCK_BYTES
            blocks += bytes([count]) * count
    blocks = sm4(key, blocks, direction, request.get("iterations", 1))
    return {name: unpad(blocks) if is_padded and direction == "decrypt" else blocks}


def answer_gcm(request):
    aead = AESGCM(bytes.fromhex(request["key"]))
    nonce, aad = bytes.fromhex(request["nonce"]), bytes.fromhex(request["aad"])
    if "plaintext" in request:
        sealed = aead.encrypt(nonce, bytes.fromhex(request["plaintext"]), aad)
        return {"ciphertext": sealed[:-TAG_BYTES], "tag": sealed[-TAG_BYTES:]}
    try:
        return {"plaintext": aead.decrypt(nonce, bytes.fromhex(request["ciphertext"] + request["tag"]), aad)}
    except InvalidTag:
        raise Refused("BAD_TAG") from None


def answer_hkdf(request):
    hash_name = request["hash"].lower().replace("-", "")
    prk = hkdf_extract(hash_name, bytes.fromhex(request["salt"]), bytes.fromhex(request["ikm"]))
    if request["length"] > 255 * len(prk):
        raise Refused("TOO_LARGE")
    return {"prk": prk, "okm": hkdf_expand(hash_name, prk, bytes.fromhex(request["info"]), request["length"])}


def answer_header(request):
    if "encoded" not in request:
        return {"encoded": sframe_header(int(request["kid"]), int(request["ctr"]))}
    kid, ctr, _ = read_sframe_header(bytes.fromhex(request["encoded"]))
    return {"kid": str(kid), "ctr": str(ctr)}


def answer_sframe(request):
    [suite] = [suite for suite in SUITES.values() if suite[3] == request["suite"]]
    kid, ctr = int(request["kid"]), int(request["ctr"])
    keys = sframe_keys(suite, bytes.fromhex(request["baseKey"]), kid)
    header = sframe_header(kid, ctr)
    aad = header + bytes.fromhex(request["metadata"])
    text = bytes.fromhex(request["plaintext"])
    return {**keys, "sealed": header + AESGCM(keys["frameKey"]).encrypt(nonce_of(keys["frameSalt"], ctr), text, aad)}


OPERATIONS = {
    "derive": answer_derive,
    "seal": answer_seal,
    "open": answer_open,
    "sm4": answer_sm4,
    "gcm": answer_gcm,
    "hkdf": answer_hkdf,
    "header": answer_header,
    "sframe": answer_sframe,
}


def answer(request):
    operation = OPERATIONS.get(request["op"])
    if operation is None:
        return {"unsupported": request["op"]}
    try:
        values = operation(request)
    except Refused as refusal:
        return {"status": str(refusal)}
    except UnsupportedAlgorithm as error:
        return {"unsupported": str(error)}
    except Exception as error:  # An answer too: the other side shows it beside the request.
        return {"error": f"{type(error).__name__}: {error}"}
    return {name: value.hex() if isinstance(value, bytes) else value for name, value in values.items()}


for line in sys.stdin:
    request = json.loads(line)
    print(json.dumps({"id": request["id"], **answer(request)}), flush=True)
