import { createZone } from '../../../src/cron/zone.ts';

test.each([
  'UTC',
  'Europe/Berlin',
  'Asia/Kolkata',
  'America/Argentina/Buenos_Aires',
  'America/Port-au-Prince',
  'Etc/GMT+5',
  'EST5EDT',
  'US/Eastern',
])('%s is a time zone', (name) => {
  expect(createZone(name).name).toBe(name);
});

test.each([
  { name: '', reason: 'empty' },
  { name: 'Europe/Atlantis', reason: 'not there' },
  { name: 'europe/berlin', reason: 'small letters' },
  { name: 'EUROPE/BERLIN', reason: 'capitals' },
  { name: 'asia/kolkata', reason: 'small letters of a name with an alias' },
  { name: '+01:00', reason: 'an offset, which Intl takes' },
  { name: 'PST', reason: 'known to Intl only' },
  { name: 'SystemV/PST8PDT', reason: 'known to Intl only' },
  { name: 'Local', reason: 'the machine of the controller decides' },
])('"$name" is refused: $reason', ({ name }) => {
  expect(() => createZone(name)).toThrow(expect.objectContaining({ name: 'TimeZoneError', timeZone: name }));
});

test.each([
  { name: 'Europe/Berlin', when: '2026-03-29T00:59:59Z', offset: 3600, reason: 'the second before' },
  { name: 'Europe/Berlin', when: '2026-03-29T01:00:00Z', offset: 7200, reason: 'the second of the change' },
  { name: 'Australia/Lord_Howe', when: '2026-04-04T15:00:00Z', offset: 37_800, reason: 'half an hour back' },
  { name: 'Asia/Kathmandu', when: '2026-01-01T00:00:00Z', offset: 20_700, reason: 'three quarters' },
  { name: 'America/St_Johns', when: '2026-01-01T00:00:00Z', offset: -12_600, reason: 'west' },
  { name: 'Africa/Monrovia', when: '1970-01-01T00:00:00Z', offset: -2670, reason: 'seconds' },
])('$name at $when: $reason', ({ name, when, offset }) => {
  expect(createZone(name).offsetSeconds(Date.parse(when) / 1000)).toBe(offset);
});
