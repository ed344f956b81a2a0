import { expect, it } from '@jest/globals';
import { scheduleIssues } from './schedule-rules.ts';

it.each([
  ['a night in Lisbon', { cron: '15 1 * * *', timezone: 'Europe/Lisbon' }, []],
  ['names, lists, ranges and steps', { cron: '*/5 8-18 1,15 jan-mar MON-FRI' }, []],
  ['the 29th of February', { cron: '0 0 29 2 *' }, []],
  ['the 31st of February', { cron: '0 0 31 2 *' }, ['/s/cron names a time that never comes']],
  ['the 30th of February', { cron: '0 0 30 2 *' }, ['/s/cron names a time that never comes']],
  ['six fields', { cron: '0 15 1 * * *' }, ['/s/cron must have five fields, one space between them']],
  ['a nickname', { cron: '@daily' }, ['/s/cron must have five fields, one space between them']],
  ['the last day as L', { cron: '0 0 L * *' }, ['/s/cron has "L", which is not a number, name, list, range or step']],
  ['a zone in small letters', { cron: '0 0 * * *', timezone: 'europe/lisbon' }, ['/s/timezone is spelled Europe/Lisbon']],
  ['a zone of nowhere', { cron: 'x', timezone: 'Mars/Base' }, ['/s/cron must have five fields, one space between them', '/s/timezone is not an IANA time zone']],
])('judges %s', (_, schedule, expected) => { expect(scheduleIssues(schedule, '/s').map(({ path, text }) => `${path} ${text}`)).toEqual(expected); });
it('does not read a minute that no clock shows', () => { expect(scheduleIssues({ cron: '60 0 * * *' }, '')[0]?.text).toMatch(/^cannot be read: /); });
