/*
 * A mixture of what integer programs do, of the same kinds as EEMBC's CoreMark but written for Boardwalk: a linked
 * list that is searched, sorted and reversed; small integer matrices; a state machine that reads numbers; and a CRC
 * over every result, so that nothing can be left out.
 */
#include "bench.h"

const u32 bench_rounds = 4800;

#define ITEMS 40
#define SIZE 10
#define TEXT 512

struct item {
  struct item *next;
  s16 key, info;
};

static struct item items[ITEMS];
static struct item *list;
static s16 left[SIZE][SIZE], right[SIZE][SIZE];
static s32 product[SIZE][SIZE];
static char text[TEXT];

/* CRC-16 with the polynomial x^16 + x^15 + x^2 + 1, a bit at a time. */
static u16 crc16(u16 crc, u16 value)
{
  for (int bit = 0; bit < 16; bit++, value >>= 1) {
    u32 odd = (crc ^ value) & 1;
    crc >>= 1;
    if (odd) crc ^= 0xa001;
  }
  return crc;
}

static u16 crc_of_word(u16 crc, u32 value)
{
  return crc16(crc16(crc, value), value >> 16);
}

/* -- lists -- */

static NOINLINE struct item *reversed(struct item *at)
{
  struct item *done = 0;
  while (at) {
    struct item *following = at->next;
    at->next = done;
    done = at;
    at = following;
  }
  return done;
}

static NOINLINE struct item *find(struct item *at, s16 key)
{
  while (at && at->key != key) at = at->next;
  return at;
}

static int by_key(const struct item *a, const struct item *b)
{
  return a->key - b->key;
}

static int by_info(const struct item *a, const struct item *b)
{
  return (a->info & 0xff) - (b->info & 0xff);
}

/* Merge sort of a list, with the order as a pointer. */
static struct item *sorted(struct item *at, int (*order)(const struct item *, const struct item *))
{
  if (!at || !at->next) return at;
  struct item *slow = at;
  for (struct item *fast = at->next; fast && fast->next; fast = fast->next->next) slow = slow->next;
  struct item *second = sorted(slow->next, order);
  slow->next = 0;
  struct item *first = sorted(at, order);
  struct item *head = 0, **tail = &head;
  while (first && second) {
    struct item **less = order(first, second) <= 0 ? &first : &second;
    *tail = *less;
    *less = (*less)->next;
    tail = &(*tail)->next;
  }
  *tail = first ? first : second;
  return head;
}

static u16 list_work(u16 crc, s16 seed)
{
  u32 found = 0, missed = 0;
  for (s16 i = 0; i < ITEMS; i++) {
    struct item *item = find(list, (i + seed) % (ITEMS + 8));
    if (item) found += item->info++ & 1;
    else missed++;
    list = reversed(list);
  }
  crc = crc_of_word(crc, found << 8 | missed);
  list = sorted(list, by_info);
  for (const struct item *at = list; at; at = at->next) crc = crc16(crc, at->key);
  list = sorted(list, by_key);
  return crc16(crc, list->info);
}

/* -- matrices -- */

static NOINLINE s32 clipped_sum(s32 limit)
{
  s32 sum = 0, previous = 0;
  for (u32 i = 0; i < SIZE; i++) {
    for (u32 j = 0; j < SIZE; j++) {
      sum += product[i][j] > limit ? 10 : product[i][j] > previous;
      previous = product[i][j];
    }
  }
  return sum;
}

static u16 matrix_work(u16 crc, s16 value)
{
  for (u32 i = 0; i < SIZE; i++) {
    for (u32 j = 0; j < SIZE; j++) left[i][j] += value;
  }
  for (u32 i = 0; i < SIZE; i++) {
    for (u32 j = 0; j < SIZE; j++) product[i][j] = left[i][j] * value;
  }
  crc = crc_of_word(crc, clipped_sum(value << 6));
  for (u32 i = 0; i < SIZE; i++) {
    for (u32 j = 0; j < SIZE; j++) {
      s32 sum = 0;
      for (u32 k = 0; k < SIZE; k++) sum += left[i][k] * right[k][j];
      product[i][j] = sum;
    }
  }
  crc = crc_of_word(crc, clipped_sum(value));
  for (u32 i = 0; i < SIZE; i++) {
    for (u32 j = 0; j < SIZE; j++) {
      s32 sum = 0;
      for (u32 k = 0; k < SIZE; k++) {
        s32 term = left[i][k] * right[k][j];
        sum += (term >> 2 & 15) * (term >> 5 & 127);
      }
      product[i][j] = sum;
    }
  }
  crc = crc_of_word(crc, clipped_sum(value * 3));
  for (u32 i = 0; i < SIZE; i++) {
    for (u32 j = 0; j < SIZE; j++) left[i][j] -= value;
  }
  return crc;
}

/* -- the state machine -- */

enum state { START, SIGN, INTEGER, POINT, FRACTION, EXPONENT, EXPONENT_SIGN, SCIENTIFIC, INVALID, STATES };

static enum state step(enum state state, char c)
{
  int digit = c >= '0' && c <= '9';
  switch (state) {
  case START:
    if (digit) return INTEGER;
    if (c == '+' || c == '-') return SIGN;
    return c == '.' ? POINT : INVALID;
  case SIGN: return digit ? INTEGER : c == '.' ? POINT : INVALID;
  case INTEGER:
    if (digit) return INTEGER;
    return c == '.' ? FRACTION : c == 'e' ? EXPONENT : INVALID;
  case POINT: return digit ? FRACTION : INVALID;
  case FRACTION:
    if (digit) return FRACTION;
    return c == 'e' ? EXPONENT : INVALID;
  case EXPONENT:
    if (c == '+' || c == '-') return EXPONENT_SIGN;
    return digit ? SCIENTIFIC : INVALID;
  case EXPONENT_SIGN: return digit ? SCIENTIFIC : INVALID;
  case SCIENTIFIC: return digit ? SCIENTIFIC : INVALID;
  default: return INVALID;
  }
}

static NOINLINE void read_numbers(u32 *ends, u32 *visits)
{
  enum state state = START;
  for (u32 i = 0; i < TEXT; i++) {
    if (text[i] == ',') {
      ends[state]++;
      state = START;
      continue;
    }
    state = step(state, text[i]);
    visits[state]++;
  }
}

static u16 state_work(u16 crc, u32 seed)
{
  u32 ends[STATES] = {0}, visits[STATES] = {0};
  read_numbers(ends, visits);
  for (u32 i = seed % 7; i < TEXT; i += 31) {
    if (text[i] != ',') text[i] ^= 1;
  }
  read_numbers(ends, visits);
  for (u32 i = seed % 7; i < TEXT; i += 31) {
    if (text[i] != ',') text[i] ^= 1;
  }
  for (u32 i = 0; i < STATES; i++) crc = crc_of_word(crc_of_word(crc, ends[i]), visits[i]);
  return crc;
}

void bench_setup(void)
{
  static const char *const numbers[8] = {"5012", "-874", "+122", "35.54400", ".1234500", "5.500e+3", "-.123e-2", "T0.3e-1F"};
  for (u32 i = 0; i < ITEMS; i++) {
    items[i].key = i;
    items[i].info = bench_random();
    items[i].next = list;
    list = &items[i];
  }
  for (u32 i = 0; i < SIZE; i++) {
    for (u32 j = 0; j < SIZE; j++) {
      left[i][j] = (s16)bench_random() >> 6;
      right[i][j] = (s16)bench_random() >> 6;
    }
  }
  for (u32 i = 0; i < TEXT;) {
    for (const char *c = numbers[bench_random() & 7]; *c && i < TEXT - 1; c++) text[i++] = *c;
    text[i++] = ',';
  }
}

u64 bench_round(u32 index)
{
  u16 crc = index;
  for (u32 i = 0; i < 4; i++) {
    crc = list_work(crc, index + i);
    crc = matrix_work(crc, crc >> 7 & 63);
    crc = state_work(crc, index + i);
  }
  return crc;
}
