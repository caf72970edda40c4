-- All SQL of the SQLite store. A statement starts with its name between dashes, then says in a comment what it is for.
-- In a statement for many rows the tuple after "each" is repeated, once for every row.

-- add_segments --
-- Append runs of journal rows.
INSERT INTO segment (first, rows, earlier, events, newest, kinds, names, columns, index_sum, payload_sum, payloads)
VALUES /* each */ (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?);

-- segments_after --
-- Runs that hold rows after a sequence number, oldest first, a few at a time: each is up to 1,024 rows.
SELECT first, rows, earlier, events, newest, kinds, names, columns, index_sum, payload_sum, payloads
FROM segment
WHERE first > :after - 1024 AND first + rows - 1 > :after
ORDER BY first LIMIT 8;

-- first_segment --
-- The oldest run, for compaction.
SELECT first, rows, earlier, events, newest, kinds, names, columns, index_sum, payload_sum, payloads
FROM segment ORDER BY first LIMIT 1;

-- last_segment --
-- The newest run, without its payloads: it says where the journal stands.
SELECT first, rows, earlier, events, newest, kinds, names, columns, index_sum, payload_sum, x''
FROM segment ORDER BY first DESC LIMIT 1;

-- oldest_segment --
-- The oldest run, without its payloads.
SELECT first, rows, earlier, events, newest, kinds, names, columns, index_sum, payload_sum, x''
FROM segment ORDER BY first LIMIT 1;

-- newest_now --
-- The latest "now" after a checkpoint. Nothing after a checkpoint is ever compacted, so this and the checkpoint's own are all.
SELECT max(newest) FROM segment WHERE first + rows - 1 > :after AND first > :after - 1024;

-- window_start --
-- First run of the duplicates window that has a row of "since" or later, among those that may count at all.
SELECT earlier FROM segment
WHERE earlier + events > :lowest AND events > 0 AND newest >= :since
ORDER BY first LIMIT 1;

-- window_segments --
-- Runs with events from a position on, oldest first, without their payloads.
SELECT first, rows, earlier, events, newest, kinds, names, columns, index_sum, payload_sum, x''
FROM segment
WHERE first > :after AND earlier + events > :position AND events > 0
ORDER BY first LIMIT 64;

-- segments_named --
-- Where runs start that may hold an event: its name stands somewhere among their names (aligned or not, the reader looks again).
SELECT first FROM segment INDEXED BY segment_names WHERE instr(names, :name) > 0 ORDER BY first;

-- segment --
-- One run.
SELECT first, rows, earlier, events, newest, kinds, names, columns, index_sum, payload_sum, payloads
FROM segment WHERE first = :first;

-- drop_segment --
-- Forget a run.
DELETE FROM segment WHERE first = :first;

-- add_decisions --
-- Append to the decision log.
INSERT INTO decision (seq, at, kind, rule, alert, body, body_sum)
VALUES /* each */ (?, ?, ?, ?, ?, ?, ?);

-- last_decision --
-- Where the decision log stands, told twice: by its rows and by what was noted about them.
SELECT (SELECT max(seq) FROM decision), (SELECT max(last) FROM mention WHERE first = (SELECT max(first) FROM mention));

-- decisions --
-- Decisions in order.
SELECT seq, at, kind, rule, alert, body, body_sum FROM decision
WHERE seq > :after ORDER BY seq LIMIT :limit;

-- add_mention --
-- Note which alerts and rules the decisions of a commit are about, as 32-bit names.
INSERT INTO mention (first, last, names) VALUES (?, ?, ?);

-- mentions --
-- Stretches of the decision log that may be about something (aligned or not, the next statement looks again).
SELECT first, last FROM mention WHERE last > :after AND instr(names, :name) > 0 ORDER BY first;

-- decisions_about --
-- The decisions of a stretch that are about an alert, a rule, or both.
SELECT seq, at, kind, rule, alert, body, body_sum FROM decision
WHERE seq BETWEEN max(:first, :after + 1) AND :last AND (:alert IN ('', alert)) AND (:rule IN ('', rule))
ORDER BY seq LIMIT :limit;

-- oldest_decisions --
-- Candidates for compaction: what the last checkpoint covers, oldest first.
SELECT seq, at FROM decision WHERE seq <= :covered ORDER BY seq LIMIT :limit;

-- drop_decisions --
-- Forget the oldest decisions.
DELETE FROM decision WHERE seq <= :through;

-- drop_mentions --
-- Forget what stretches were about that are gone whole.
DELETE FROM mention WHERE first <= :through AND last <= :through;

-- add_outbox --
-- Owe pages. A page that is there already (same key, receiver, channel) stays as it is: an idempotency key is owed once.
WITH owed (id, receiver, channel, incident, priority, created, body, attempts, next_at, page_sum, state_sum, names) AS (
  VALUES /* each */ (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
)
INSERT INTO outbox (id, receiver, channel, incident, priority, created, body, attempts, next_at, page_sum, state_sum, names)
SELECT * FROM owed
WHERE NOT EXISTS (
  SELECT 1 FROM outbox o
  WHERE o.id = owed.id AND o.receiver = owed.receiver AND o.channel = owed.channel
);

-- finish_outbox --
-- What became of attempts. A page that was delivered stays delivered.
WITH done (id, receiver, channel, state, attempts, next_at, detail, at, state_sum) AS (
  VALUES /* each */ (?, ?, ?, ?, ?, ?, ?, ?, ?)
)
UPDATE outbox
SET state = done.state, attempts = done.attempts, next_at = done.next_at, detail = done.detail, at = done.at,
  state_sum = done.state_sum
FROM done
WHERE outbox.id = done.id AND outbox.receiver = done.receiver AND outbox.channel = done.channel
  AND outbox.state <> 'delivered';

-- incident_of --
-- The incident a page belongs to, where its end did not name it.
SELECT incident FROM outbox WHERE id = :id AND receiver = :receiver AND channel = :channel;

-- pending --
-- Pages still owed, oldest first.
SELECT id, receiver, channel, incident, priority, created, body, attempts, next_at, position, page_sum, state, detail, at, state_sum
FROM outbox WHERE state = 'pending' AND position > :after ORDER BY position LIMIT 1000;

-- outbox --
-- Pages with what became of them, newest first.
SELECT id, receiver, channel, incident, priority, created, body, attempts, next_at, position, page_sum, state, detail, at, state_sum
FROM outbox ORDER BY position DESC LIMIT :limit;

-- outbox_in_state --
-- The same, those in one state.
SELECT id, receiver, channel, incident, priority, created, body, attempts, next_at, position, page_sum, state, detail, at, state_sum
FROM outbox WHERE state = :state ORDER BY position DESC LIMIT :limit;

-- outbox_of_page --
-- The same, those of one idempotency key.
SELECT id, receiver, channel, incident, priority, created, body, attempts, next_at, position, page_sum, state, detail, at, state_sum
FROM outbox WHERE id = :page AND :state IN ('', state) ORDER BY position DESC LIMIT :limit;

-- outbox_of_alert --
-- The same, those that may be about an alert (the reader looks again): by their names, or by their incident.
SELECT id, receiver, channel, incident, priority, created, body, attempts, next_at, position, page_sum, state, detail, at, state_sum
FROM outbox WHERE position IN (
  SELECT position FROM outbox INDEXED BY outbox_names WHERE instr(names, :name) > 0
  UNION
  SELECT position FROM outbox WHERE incident = :alert
) AND :state IN ('', state) ORDER BY position DESC;

-- drop_outbox --
-- Forget pages that were finished before a time, oldest end first; pages that were given up stay longer.
DELETE FROM outbox WHERE position IN (
  SELECT position FROM outbox
  WHERE state <> 'pending' AND at < :before AND (state <> 'failed' OR at < :given_up_before)
  ORDER BY at, position LIMIT :limit
) RETURNING id, receiver, channel;

-- add_attempts --
-- Append how attempts ended.
INSERT INTO attempt (id, receiver, channel, number, at, state, detail, reference, row_sum)
VALUES /* each */ (?, ?, ?, ?, ?, ?, ?, ?, ?);

-- attempts --
-- All attempts to deliver one page, oldest first.
SELECT id, receiver, channel, number, at, state, detail, reference, row_sum
FROM attempt WHERE id = :page ORDER BY position;

-- drop_attempts --
-- Forget the attempts of a page.
DELETE FROM attempt WHERE id = ? AND receiver = ? AND channel = ?;

-- put_references --
-- Remember how to update incidents' messages in place.
INSERT INTO reference (incident, receiver, channel, body, body_sum, at) VALUES /* each */ (?, ?, ?, ?, ?, ?)
ON CONFLICT (incident, receiver, channel) DO UPDATE SET body = excluded.body, body_sum = excluded.body_sum, at = excluded.at;

-- references --
-- Everything remembered about one incident's messages.
SELECT receiver, channel, body, body_sum FROM reference WHERE incident = :incident ORDER BY receiver, channel;

-- drop_references --
-- Forget how to update messages of incidents long past, of which no page is left.
DELETE FROM reference WHERE (incident, receiver, channel) IN (
  SELECT incident, receiver, channel FROM reference r
  WHERE r.at < :before AND NOT EXISTS (SELECT 1 FROM outbox o WHERE o.incident = r.incident)
  ORDER BY at, incident, receiver, channel LIMIT :limit
);

-- put_checkpoint --
-- Replace the checkpoint.
INSERT OR REPLACE INTO checkpoint (one, journal_seq, decision_seq, newest, plan_digest, engine, runs, run_bytes, row_sum)
VALUES (1, ?, ?, ?, ?, ?, ?, ?, ?);

-- checkpoint --
-- The last checkpoint, if there was one.
SELECT journal_seq, decision_seq, newest, plan_digest, engine, runs, run_bytes, row_sum FROM checkpoint;

-- runs_standing --
-- How many runs of key states there are and how many bytes they hold: the checkpoint remembers both.
SELECT count(*), coalesce(sum(length(body)), 0) FROM key_run;

-- checkpoint_position --
-- How far the last checkpoint reaches.
SELECT journal_seq, decision_seq, newest FROM checkpoint;

-- add_runs --
-- Append runs of key states.
INSERT INTO key_run (part, body_sum, body) VALUES /* each */ (?, ?, ?);

-- runs_of_part --
-- The runs of a part, oldest first.
SELECT body_sum, body FROM key_run WHERE part = :part ORDER BY number;

-- drop_runs --
-- Forget the runs of a part, which is being rewritten.
DELETE FROM key_run WHERE part = :part;

-- run_sizes --
-- How much each run holds, oldest first.
SELECT part, length(body) FROM key_run ORDER BY number;

-- put_settings --
-- Keep small values.
INSERT OR REPLACE INTO setting (name, value, value_sum) VALUES /* each */ (?, ?, ?);

-- drop_settings --
-- Forget small values.
DELETE FROM setting WHERE name IN (VALUES /* each */ (?));

-- setting --
-- One small value.
SELECT name, value, value_sum FROM setting WHERE name = :name;

-- settings --
-- Small values whose name starts so.
SELECT name, value, value_sum FROM setting WHERE substr(name, 1, length(:prefix)) = :prefix ORDER BY name;

-- put_plan --
-- Keep the files of a plan; they never change under one digest.
INSERT OR IGNORE INTO plan (digest, archive, archive_sum) VALUES (?, ?, ?);

-- plan --
-- The files of a plan.
SELECT digest, archive, archive_sum FROM plan WHERE digest = :digest;
