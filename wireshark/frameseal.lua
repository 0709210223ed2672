-- Wireshark dissector of RTP and RTCP packets that frameseal has sealed (FORMAT.md section 4). It decrypts nothing.
--
--     RTP:   header, CSRCs, extension | clear bytes | config 1 | KID 0..8 | CTR 0..8 | ciphertext | tag 16 | padding count
--     RTCP:  first 8 bytes            |               config 1 | KID 0..8 | CTR 0..8 | ciphertext | tag 16
--
-- A padding count is there where the RTP header has the P bit, and is 1. The counter of a KID grows by one with each packet, so
-- gaps in it are packets that were lost, or took another way.

local frameseal = Proto("frameseal", "frameseal (SFrame over RTP and RTCP)")

local fields = {
  rtcp_type = ProtoField.uint8("frameseal.rtcp.pt", "RTCP packet type"),
  rtcp_ssrc = ProtoField.uint32("frameseal.rtcp.ssrc", "SSRC of the sender", base.HEX),
  clear = ProtoField.bytes("frameseal.clear", "Clear bytes of the payload"),
  header = ProtoField.bytes("frameseal.header", "SFrame header"),
  config = ProtoField.uint8("frameseal.config", "Config byte", base.HEX),
  kid = ProtoField.uint64("frameseal.kid", "KID", base.HEX),
  key_id = ProtoField.uint8("frameseal.key_id", "Key id"),
  session = ProtoField.uint64("frameseal.session", "Session", base.HEX),
  ctr = ProtoField.uint64("frameseal.ctr", "Counter"),
  ciphertext = ProtoField.bytes("frameseal.ciphertext", "Ciphertext"),
  tag = ProtoField.bytes("frameseal.tag", "Authentication tag"),
  padding = ProtoField.uint8("frameseal.padding_count", "Padding count"),
  lost = ProtoField.uint64("frameseal.lost", "Counters missing before this one"),
}
for _, field in pairs(fields) do
  table.insert(frameseal.fields, field)
end

local experts = {
  lost = ProtoExpert.new("frameseal.expert.lost", "Counters are missing", expert.group.SEQUENCE, expert.severity.WARN),
  late = ProtoExpert.new("frameseal.expert.late", "Counter is late", expert.group.SEQUENCE, expert.severity.NOTE),
  again = ProtoExpert.new("frameseal.expert.again", "Counter was seen before", expert.group.SEQUENCE, expert.severity.WARN),
  malformed = ProtoExpert.new("frameseal.expert.malformed", "No sealed packet", expert.group.MALFORMED, expert.severity.ERROR),
}
for _, each in pairs(experts) do
  table.insert(frameseal.experts, each)
end

frameseal.prefs.ports = Pref.range("UDP ports", "", "Ports with sealed packets; or use Decode As", 65535)
frameseal.prefs.clear = Pref.uint("Clear bytes", 0, "How many bytes of the payload of RTP stay in the clear")

local TAG_BYTES = 16
local RTCP_HEADER_BYTES = 8

-- By KID: the highest counter, and the frame that each was in. By frame and counter: what was found when it was first dissected.
local highest, frames, findings = {}, {}, {}

function frameseal.init()
  highest, frames, findings = {}, {}, {}
end

local registered = nil
function frameseal.prefs_changed()
  local ports = DissectorTable.get("udp.port")
  if registered and registered ~= "" then ports:remove(registered, frameseal) end
  registered = frameseal.prefs.ports
  if registered ~= "" then ports:add(registered, frameseal) end
end

-- What the counter is, given those of the KID before it: nothing, or a kind and how many are missing.
local function look_at(kid, ctr, number)
  local key = number .. "/" .. kid .. "/" .. tostring(ctr)
  if findings[key] then return findings[key] end
  local finding = {}
  local last = highest[kid]
  frames[kid] = frames[kid] or {}
  local before = frames[kid][tostring(ctr)]
  if before then
    finding = { kind = "again", frame = before }
  elseif last and ctr < last then
    finding = { kind = "late" }
  elseif last and ctr > last + UInt64(1) then
    finding = { kind = "lost", missing = ctr - last - UInt64(1) }
  end
  if not last or ctr > last then highest[kid] = ctr end
  frames[kid][tostring(ctr)] = before or number
  findings[key] = finding
  return finding
end

-- Bytes of the RTP header; nil where the packet is shorter.
local function rtp_header_bytes(tvb)
  if tvb:len() < 12 then return nil end
  local first = tvb(0, 1):uint()
  local length = 12 + 4 * (first % 16)
  if math.floor(first / 16) % 2 == 1 then
    if tvb:len() < length + 4 then return nil end
    length = length + 4 + 4 * tvb(length + 2, 2):uint()
  end
  if tvb:len() < length then return nil end
  return length
end

-- A field of the header: its range and value, or the value that is in the config byte itself.
local function header_field(tvb, at, bytes, short)
  if bytes == 0 then return nil, UInt64(short) end
  local range = tvb(at, bytes)
  return range, range:uint64()
end

local function add_counter(subtree, pinfo, kid, item, ctr)
  local finding = look_at(tostring(kid), ctr, pinfo.number)
  if finding.kind == "lost" then
    item:add_proto_expert_info(experts.lost, tostring(finding.missing) .. " counters are missing before " .. tostring(ctr))
    subtree:add(fields.lost, finding.missing):set_generated()
  elseif finding.kind == "late" then
    item:add_proto_expert_info(experts.late, "Counter " .. tostring(ctr) .. " comes after a higher one")
  elseif finding.kind == "again" then
    item:add_proto_expert_info(experts.again, "Counter " .. tostring(ctr) .. " was in frame " .. finding.frame)
  end
end

-- The SFrame ciphertext in tvb[at, stop).
local function dissect_sframe(tvb, pinfo, subtree, at, stop)
  local malformed = function(text)
    subtree:add_proto_expert_info(experts.malformed, text)
    pinfo.cols.info:append(" [not sealed: " .. text .. "]")
  end
  if at >= stop then return malformed("no SFrame header") end
  local config = tvb(at, 1):uint()
  local kid_nibble, ctr_nibble = math.floor(config / 16), config % 16
  local kid_bytes = kid_nibble >= 8 and kid_nibble - 7 or 0
  local ctr_bytes = ctr_nibble >= 8 and ctr_nibble - 7 or 0
  local length = 1 + kid_bytes + ctr_bytes
  if at + length + TAG_BYTES > stop then return malformed("no room for an SFrame header and a tag") end

  local header = subtree:add(fields.header, tvb(at, length))
  header:add(fields.config, tvb(at, 1))
  local kid_range, kid = header_field(tvb, at + 1, kid_bytes, kid_nibble)
  local ctr_range, ctr = header_field(tvb, at + 1 + kid_bytes, ctr_bytes, ctr_nibble)
  local kid_item = header:add(fields.kid, kid_range or tvb(at, 1), kid)
  if kid_bytes == 8 then
    kid_item:add(fields.key_id, tvb(at + 1, 1), math.floor(tvb(at + 1, 1):uint() / 16))
    kid_item:add(fields.session, kid_range, kid_range:bitfield(4, 60))
  end
  local ctr_item = header:add(fields.ctr, ctr_range or tvb(at, 1), ctr)
  add_counter(subtree, pinfo, kid, ctr_item, ctr)
  local text = at + length
  if stop - TAG_BYTES > text then subtree:add(fields.ciphertext, tvb(text, stop - TAG_BYTES - text)) end
  subtree:add(fields.tag, tvb(stop - TAG_BYTES, TAG_BYTES))
  pinfo.cols.info:append(string.format(" KID=%s CTR=%s", kid:tohex(), tostring(ctr)))
end

local function dissect_rtcp(tvb, pinfo, tree)
  pinfo.cols.info:set("Sealed RTCP")
  local subtree = tree:add(frameseal, tvb(), "Sealed RTCP")
  if tvb:len() < RTCP_HEADER_BYTES then
    subtree:add_proto_expert_info(experts.malformed, "shorter than an RTCP header")
    return
  end
  subtree:add(fields.rtcp_type, tvb(1, 1))
  subtree:add(fields.rtcp_ssrc, tvb(4, 4))
  dissect_sframe(tvb, pinfo, subtree, RTCP_HEADER_BYTES, tvb:len())
end

local function dissect_rtp(tvb, pinfo, tree)
  -- Wireshark's own dissector shows the header, and counts the packet in its statistics of RTP streams.
  Dissector.get("rtp"):call(tvb, pinfo, tree)
  local at = rtp_header_bytes(tvb)
  local subtree = tree:add(frameseal, tvb(at or 0), "Sealed RTP payload")
  if not at then
    subtree:add_proto_expert_info(experts.malformed, "shorter than its RTP header")
    return
  end
  local stop = tvb:len()
  if math.floor(tvb(0, 1):uint() / 32) % 2 == 1 and stop > at then
    stop = stop - 1
    local count = subtree:add(fields.padding, tvb(stop, 1))
    if tvb(stop, 1):uint() ~= 1 then count:add_proto_expert_info(experts.malformed, "the padding count is not 1") end
  end
  local clear = math.min(frameseal.prefs.clear, stop - at)
  if clear > 0 then subtree:add(fields.clear, tvb(at, clear)) end
  dissect_sframe(tvb, pinfo, subtree, at + clear, stop)
end

function frameseal.dissector(tvb, pinfo, tree)
  -- A packet that an ICMP error quotes counts once, where it was sent.
  if pinfo.in_error_pkt then return 0 end
  if tvb:len() < 2 or math.floor(tvb(0, 1):uint() / 64) ~= 2 then return 0 end
  local second = tvb(1, 1):uint()
  if second >= 192 and second <= 223 then
    dissect_rtcp(tvb, pinfo, tree)
  else
    dissect_rtp(tvb, pinfo, tree)
  end
  pinfo.cols.protocol:set("frameseal")
  return tvb:len()
end

DissectorTable.get("udp.port"):add_for_decode_as(frameseal)
