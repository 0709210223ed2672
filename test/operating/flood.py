"""Sends RTP from an address to a port, at a rate, for a time: FROM HOST PORT PER_SECOND SECONDS. Prints how many it has sent."""
import socket
import sys
import time

BURST = 50

source, host, port, per_second, seconds = sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4]), float(sys.argv[5])
sender = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
sender.bind((source, 0))
sender.connect((host, port))
packet = bytes([0x80, 0x60]) + bytes(170)
sent = 0
start = time.monotonic()
while (passed := time.monotonic() - start) < seconds:
    if sent > passed * per_second:
        time.sleep(0.0005)
        continue
    for _ in range(BURST):
        try:
            sender.send(packet)
            sent += 1
        except OSError:
            pass
print(sent)
