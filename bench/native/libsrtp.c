/*
 * Times libsrtp: protects, or unprotects, RTP packets in a loop; prints ns a packet, the median of its rounds.
 *
 *     libsrtp SUITE OPERATION PAYLOAD_BYTES        SUITE 128 or 256, OPERATION protect or unprotect
 */
#include <srtp2/srtp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { HEADER = 12, OVERHEAD = 16, ROUNDS = 15, PACKETS = 20000, ROOM = 2048 };

static uint8_t packets[PACKETS][ROOM];
static int lengths[PACKETS];

static double now_ns(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return 1e9 * (double)time.tv_sec + (double)time.tv_nsec;
}

static void check(srtp_err_status_t status) {
  if (status == srtp_err_status_ok) return;
  fprintf(stderr, "libsrtp: status %d\n", status);
  exit(1);
}

static srtp_t session_of(int is_256, srtp_ssrc_type_t direction) {
  static uint8_t key[44];
  for (size_t i = 0; i < sizeof key; i++) key[i] = (uint8_t)(7 * i + 1);
  srtp_policy_t policy;
  memset(&policy, 0, sizeof policy);
  if (is_256) {
    srtp_crypto_policy_set_aes_gcm_256_16_auth(&policy.rtp);
    srtp_crypto_policy_set_aes_gcm_256_16_auth(&policy.rtcp);
  } else {
    srtp_crypto_policy_set_aes_gcm_128_16_auth(&policy.rtp);
    srtp_crypto_policy_set_aes_gcm_128_16_auth(&policy.rtcp);
  }
  policy.ssrc.type = direction;
  policy.key = key;
  policy.window_size = 1024;
  srtp_t session;
  check(srtp_create(&session, &policy));
  return session;
}

static int by_value(const void *a, const void *b) {
  double difference = *(const double *)a - *(const double *)b;
  return difference < 0 ? -1 : difference > 0;
}

int main(int count, char **arguments) {
  if (count != 4) return 2;
  int is_256 = strcmp(arguments[1], "256") == 0;
  int protects = strcmp(arguments[2], "protect") == 0;
  int length = HEADER + atoi(arguments[3]);
  if (length < HEADER || length + OVERHEAD > ROOM - SRTP_MAX_TRAILER_LEN) return 2;
  check(srtp_init());
  srtp_t out = session_of(is_256, ssrc_any_outbound);
  srtp_t in = session_of(is_256, ssrc_any_inbound);
  uint16_t sequence = 0;
  double times[ROUNDS];
  for (int round = 0; round < ROUNDS; round++) {
    for (int i = 0; i < PACKETS; i++) {
      uint8_t header[HEADER] = {0x80, 96, (uint8_t)(sequence >> 8), (uint8_t)sequence, 0, 0, 0, 2, 0x11, 0x22, 0x33, 0x44};
      sequence++;
      memcpy(packets[i], header, HEADER);
      lengths[i] = length;
      if (!protects) check(srtp_protect(out, packets[i], &lengths[i]));
    }
    double start = now_ns();
    for (int i = 0; i < PACKETS; i++) {
      check(protects ? srtp_protect(out, packets[i], &lengths[i]) : srtp_unprotect(in, packets[i], &lengths[i]));
    }
    times[round] = (now_ns() - start) / PACKETS;
  }
  qsort(times, ROUNDS, sizeof *times, by_value);
  printf("%.1f\n", times[ROUNDS / 2]);
  return 0;
}
