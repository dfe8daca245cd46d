/*
 * Words in a text of 64 KiB: by comparing at each place, by Horspool's table of shifts (Software: Practice and
 * Experience 10, 1980), and a count of words of each length. Byte loads and short branches.
 */
#include "bench.h"

#define LENGTH 65536
#define WORDS 8

const u32 bench_rounds = 1200;

static u8 text[LENGTH];
static const char *const words[WORDS] = {"ka", "tomi", "seralu", "kanotoma", "ri", "nurise", "lataliko", "mosena"};

void bench_setup(void)
{
  static const char syllables[16][3] = {"ka", "no", "to", "ma", "ri", "se", "lu", "ra",
                                        "mi", "ta", "li", "ko", "mo", "na", "nu", "si"};
  for (u32 i = 0; i < LENGTH;) {
    u64 random = bench_random();
    for (u32 n = random >> 8 & 3; i < LENGTH - 2; random >>= 4, n--) {
      text[i++] = syllables[random & 15][0];
      text[i++] = syllables[random & 15][1];
      if (n == 0) break;
    }
    text[i++] = ' ';
  }
}

static u32 length_of(const char *word)
{
  u32 length = 0;
  while (word[length]) length++;
  return length;
}

static NOINLINE u32 count_plainly(const char *word)
{
  u32 length = length_of(word), count = 0;
  for (u32 i = 0; i + length <= LENGTH; i++) {
    u32 j = 0;
    while (j < length && text[i + j] == (u8)word[j]) j++;
    count += j == length;
  }
  return count;
}

static NOINLINE u32 count_by_shifts(const char *word)
{
  u8 shift[256];
  u32 length = length_of(word), count = 0;
  memset(shift, length, sizeof shift);
  for (u32 i = 0; i + 1 < length; i++) shift[(u8)word[i]] = length - 1 - i;
  for (u32 i = 0; i + length <= LENGTH; i += shift[text[i + length - 1]]) {
    u32 j = length;
    while (j > 0 && text[i + j - 1] == (u8)word[j - 1]) j--;
    count += j == 0;
  }
  return count;
}

static NOINLINE u64 word_lengths(void)
{
  u32 counts[16] = {0};
  u32 length = 0;
  for (u32 i = 0; i < LENGTH; i++) {
    if (text[i] != ' ') {
      length++;
      continue;
    }
    counts[length & 15]++;
    length = 0;
  }
  u64 sum = 0;
  for (int i = 0; i < 16; i++) sum = sum * 31 + counts[i];
  return sum;
}

u64 bench_round(u32 index)
{
  const char *word = words[index % WORDS];
  text[index * 37 % LENGTH] = 'a' + index % 26;
  return (u64)count_plainly(word) << 40 ^ (u64)count_by_shifts(word) << 20 ^ word_lengths();
}
