export { GOLDFISH_RTC_SIZE, GoldfishRtc } from './goldfish-rtc.ts';
