"""
One end of a call, for `npm run e2e:gateway`: VP8 over GStreamer's rtpbin with AVPF (RFC 4585), in the clear or as SRTP.

    videotestsrc -> vp8enc -> rtpvp8pay -> rtpbin -> udp      udp -> rtpbin -> rtpvp8depay -> vp8dec

The argument is JSON: { listen, to, frames, ssrc, seconds, wants, pliAtMs, srtp: { send, receive }: { key, cipher } }. RTCP
uses the port after each. Media begins at SIGUSR1; `frames` 0 sends none. After `seconds`, or `wants` frames and one second,
or SIGTERM, it prints JSON: hashes of the frames that were encoded and that arrived, and how many RTCP packets of each kind
arrived.
"""
import hashlib
import json
import signal
import sys

import gi

gi.require_version('Gst', '1.0')
from gi.repository import GLib, Gst  # noqa: E402

FRAMES_PER_SECOND = 30
PAYLOAD_TYPE = 96
# A busy machine is late; it must not look like loss.
LATENCY_MS = 1000
RTCP_INTERVAL_NS = 200_000_000
SECOND_MS = 1000
MEDIA_CAPS = (
    f'application/x-rtp,media=(string)video,clock-rate=(int)90000,encoding-name=(string)VP8,payload=(int){PAYLOAD_TYPE},'
    'rtcp-fb-nack=(boolean)true,rtcp-fb-nack-pli=(boolean)true'
)
# By packet type, or packet type and format (RFC 3550 section 12.1, RFC 4585 section 6).
KINDS = {200: 'SR', 201: 'RR', 202: 'SDES', 203: 'BYE', (205, 1): 'NACK', (206, 1): 'PLI'}

Gst.init(None)
options = json.loads(sys.argv[1])
loop = GLib.MainLoop()
sent, received, reports, lost = [], [], {}, {}


def sending():
    """Media and RTCP from rtpbin to the network."""
    keys, to, ssrc = options.get('srtp'), options['to'], options['ssrc']
    raw = f'video/x-raw,width=320,height=180,framerate={FRAMES_PER_SECOND}/1'
    encoder = 'vp8enc deadline=1 target-bitrate=400000 keyframe-max-dist=60 ! identity name=encoded signal-handoffs=true'
    media = f'''
        videotestsrc name=camera num-buffers={options['frames']} is-live=true pattern=ball ! {raw} ! {encoder} !
        rtpvp8pay pt={PAYLOAD_TYPE} ssrc={ssrc} mtu=1200 ! bin.send_rtp_sink_0'''
    sinks = [f'udpsink host=127.0.0.1 port={port} sync=false async=false' for port in (to, to + 1)]
    flows = ['rtp', 'rtcp'] if options['frames'] else ['rtcp']
    text = media if options['frames'] else ''
    if keys:
        text += f'''
        srtpenc name=protect key={keys['send']['key']} rtp-auth=null rtcp-auth=null
            rtp-cipher={keys['send']['cipher']} rtcp-cipher={keys['send']['cipher']}'''
    for flow in flows:
        through = f'protect.{flow}_sink_0 protect.{flow}_src_0 !' if keys else ''
        text += f' bin.send_{flow}_src_0 ! {through} {sinks[flow == "rtcp"]}'
    return text


def receiving():
    """Media and RTCP from the network to rtpbin."""
    kinds = ['application/x-srtp', 'application/x-srtcp'] if options.get('srtp') else [MEDIA_CAPS, 'application/x-rtcp']
    text = 'srtpdec name=open' if options.get('srtp') else ''
    for i, flow in enumerate(('rtp', 'rtcp')):
        through = f'open.{flow}_sink open.{flow}_src !' if options.get('srtp') else ''
        text += f'''
        udpsrc address=127.0.0.1 port={options['listen'] + i} buffer-size=1000000 caps="{kinds[i]}" ! {through}
        bin.recv_{flow}_sink_0'''
    return text


def caps_with_key(_element, _ssrc):
    key, cipher = options['srtp']['receive']['key'], options['srtp']['receive']['cipher']
    return Gst.Caps.from_string(
        f'application/x-srtp,srtp-key=(buffer){key},srtp-cipher=(string){cipher},srtp-auth=(string)null,'
        f'srtcp-cipher=(string){cipher},srtcp-auth=(string)null,roc=(uint)0'
    )


def keep(frames):
    def handoff(_identity, buffer):
        done, mapped = buffer.map(Gst.MapFlags.READ)
        if done:
            frames.append(hashlib.sha256(mapped.data).hexdigest()[:16])
            buffer.unmap(mapped)
        if frames is received and len(received) == options['wants']:
            GLib.timeout_add(SECOND_MS, loop.quit)

    return handoff


def count_reports(_session, buffer):
    done, mapped = buffer.map(Gst.MapFlags.READ)
    data = bytes(mapped.data) if done else b''
    if done:
        buffer.unmap(mapped)
    at = 0
    while at + 4 <= len(data):
        kind = data[at + 1]
        name = KINDS.get(kind) or KINDS.get((kind, data[at] & 31)) or f'{kind}/{data[at] & 31}'
        reports[name] = reports.get(name, 0) + 1
        first = {200: 28, 201: 8}.get(kind)
        # Packets lost so far, of the first report block.
        if first is not None and data[at] & 31:
            lost['packets'] = int.from_bytes(data[at + first + 5 : at + first + 8], 'big', signed=True)
        at += 4 + 4 * int.from_bytes(data[at + 2 : at + 4], 'big')


def take_stream(_bin, pad, line):
    if not pad.get_name().startswith('recv_rtp_src_'):
        return
    sink = Gst.parse_bin_from_description(
        'rtpvp8depay request-keyframe=true ! identity name=arrived signal-handoffs=true ! vp8dec ! fakesink sync=false', True
    )
    sink.get_by_name('arrived').connect('handoff', keep(received))
    line.add(sink)
    sink.sync_state_with_parent()
    pad.link(sink.get_static_pad('sink'))
    for at_ms in options.get('pliAtMs', []):
        GLib.timeout_add(at_ms, ask_for_picture, pad)


def ask_for_picture(pad):
    structure = Gst.Structure.new_from_string('GstForceKeyUnit')
    pad.send_event(Gst.Event.new_custom(Gst.EventType.CUSTOM_UPSTREAM, structure))
    return False


def begin(camera):
    camera.set_locked_state(False)
    camera.sync_state_with_parent()
    return False


def main():
    line = Gst.parse_launch(
        f'rtpbin name=bin rtp-profile=avpf latency={LATENCY_MS} do-retransmission=true {sending()} {receiving()}'
    )
    rtpbin = line.get_by_name('bin')
    rtpbin.connect('request-pt-map', lambda _bin, _session, _type: Gst.Caps.from_string(MEDIA_CAPS))
    rtpbin.connect('pad-added', take_stream, line)
    session = rtpbin.emit('get-internal-session', 0)
    session.set_property('rtcp-min-interval', RTCP_INTERVAL_NS)
    session.connect('on-receiving-rtcp', count_reports)
    if options['frames']:
        line.get_by_name('encoded').connect('handoff', keep(sent))
    if options.get('srtp'):
        line.get_by_name('open').connect('request-key', caps_with_key)
    bus = line.get_bus()
    bus.add_signal_watch()
    bus.connect('message::error', lambda _bus, message: sys.exit(str(message.parse_error())))
    camera = line.get_by_name('camera')
    if camera:
        camera.set_locked_state(True)
        GLib.unix_signal_add(GLib.PRIORITY_DEFAULT, signal.SIGUSR1, begin, camera)
    line.set_state(Gst.State.PLAYING)
    print('playing', flush=True)
    GLib.timeout_add(SECOND_MS * options['seconds'], loop.quit)
    GLib.unix_signal_add(GLib.PRIORITY_DEFAULT, signal.SIGTERM, loop.quit)
    loop.run()
    line.set_state(Gst.State.NULL)
    print(json.dumps({'sent': sent, 'received': received, 'reports': reports, **lost}))


main()
