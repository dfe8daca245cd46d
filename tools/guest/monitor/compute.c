/* Something to compute: SHA-256 (FIPS 180-4) and the sieve of Eratosthenes. */
#include "monitor.h"

static const uint32_t round_constants[64] = {
    0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5,
    0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174,
    0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da,
    0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967,
    0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85,
    0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070,
    0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
    0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2};

static uint32_t rotate_right(uint32_t value, unsigned count) { return value >> count | value << (32 - count); }

static void compress(uint32_t hash[8], const uint8_t block[64]) {
  uint32_t schedule[64];
  for (unsigned t = 0; t < 16; t++) {
    const uint8_t *word = block + 4 * t;
    schedule[t] = (uint32_t)word[0] << 24 | (uint32_t)word[1] << 16 | (uint32_t)word[2] << 8 | word[3];
  }
  for (unsigned t = 16; t < 64; t++) {
    uint32_t w15 = schedule[t - 15], w2 = schedule[t - 2];
    uint32_t sigma0 = rotate_right(w15, 7) ^ rotate_right(w15, 18) ^ w15 >> 3;
    uint32_t sigma1 = rotate_right(w2, 17) ^ rotate_right(w2, 19) ^ w2 >> 10;
    schedule[t] = schedule[t - 16] + sigma0 + schedule[t - 7] + sigma1;
  }
  uint32_t a = hash[0], b = hash[1], c = hash[2], d = hash[3], e = hash[4], f = hash[5], g = hash[6], h = hash[7];
  for (unsigned t = 0; t < 64; t++) {
    uint32_t sum1 = rotate_right(e, 6) ^ rotate_right(e, 11) ^ rotate_right(e, 25);
    uint32_t t1 = h + sum1 + ((e & f) ^ (~e & g)) + round_constants[t] + schedule[t];
    uint32_t sum0 = rotate_right(a, 2) ^ rotate_right(a, 13) ^ rotate_right(a, 22);
    uint32_t t2 = sum0 + ((a & b) ^ (a & c) ^ (b & c));
    h = g, g = f, f = e, e = d + t1, d = c, c = b, b = a, a = t1 + t2;
  }
  hash[0] += a, hash[1] += b, hash[2] += c, hash[3] += d, hash[4] += e, hash[5] += f, hash[6] += g, hash[7] += h;
}

void sha256(const void *data, size_t length, uint8_t digest[32]) {
  uint32_t hash[8] = {0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a, 0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19};
  const uint8_t *at = data;
  size_t left = length;
  for (; left >= 64; left -= 64, at += 64) compress(hash, at);
  uint8_t last[128] = {0};
  memcpy(last, at, left);
  last[left] = 0x80;
  size_t padded = left < 56 ? 64 : 128;
  for (unsigned i = 0; i < 8; i++) last[padded - 1 - i] = (uint8_t)(length * 8 >> 8 * i);
  for (size_t offset = 0; offset < padded; offset += 64) compress(hash, last + offset);
  for (unsigned i = 0; i < 32; i++) digest[i] = (uint8_t)(hash[i / 4] >> (24 - 8 * (i % 4)));
}

void print_digest(const uint8_t digest[32]) {
  for (unsigned i = 0; i < 32; i++) print("%c%c", "0123456789abcdef"[digest[i] >> 4], "0123456789abcdef"[digest[i] & 15]);
}

uint64_t count_primes(uint64_t limit, uint8_t *sieve) {
  uint64_t count = 0;
  memset(sieve, 0, limit);
  for (uint64_t number = 2; number < limit; number++) {
    if (sieve[number]) continue;
    count++;
    for (uint64_t multiple = number * number; multiple < limit; multiple += number) sieve[multiple] = 1;
  }
  return count;
}
