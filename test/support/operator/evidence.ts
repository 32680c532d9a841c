import { createZones } from '../../../src/cron/zones.ts';
import type { Evidence } from '../../../src/policy/statement.ts';
import { policyView } from '../../../src/policy/views.ts';
import { placeOfSpec, rawPolicy } from './policies.ts';
import { now, observedOf } from './runs.ts';

const zones = createZones();

/** What conditions are judged from: the sample policy, of which nothing is known but what is given. */
export const evidenceOf = (changes: Partial<Evidence> = {}): Evidence => ({
  spec: policyView(rawPolicy()).spec,
  problems: [],
  name: 'agama',
  metadata: { namespace: 'shop', name: 'agama' },
  created: '2026-11-01T00:00:00Z',
  observed: observedOf(),
  timetable: undefined,
  requestProblem: undefined,
  acceptShrink: undefined,
  zones,
  now,
  ...changes,
  history: { storedIn: placeOfSpec(), ...changes.history },
});
