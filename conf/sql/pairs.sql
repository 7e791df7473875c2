-- What people read: every comparison that its sources order, as text, in the orientation of the source label.
-- pair_id = hash of (chosen response_id, rejected response_id), as pairs/identity.py defines it.
-- All joins are by id between tables that may be large; filter by campaign and they shrink alike.
WITH oriented AS (
  SELECT
    l.campaign,
    l.comparison_id,
    c.prompt_id,
    CASE WHEN l.label = 'a' THEN c.response_a ELSE c.response_b END AS chosen_response_id,
    CASE WHEN l.label = 'a' THEN c.response_b ELSE c.response_a END AS rejected_response_id,
    l.`group`, l.`use`, l.source, l.sources, l.label, l.label_origin, l.margin, l.status
  FROM {source_labels} AS l
  JOIN {comparisons} AS c ON c.comparison_id = l.comparison_id
  WHERE l.label IN ('a', 'b')
)
SELECT
  o.campaign,
  substr(sha2(concat(
    octet_length(o.chosen_response_id), ':', o.chosen_response_id,
    octet_length(o.rejected_response_id), ':', o.rejected_response_id
  ), 256), 1, 32) AS pair_id,
  o.comparison_id,
  p.messages AS prompt,
  chosen.text AS chosen,
  rejected.text AS rejected,
  o.prompt_id, o.chosen_response_id, o.rejected_response_id,
  o.`group`, o.`use`, o.source, o.sources, o.label, o.label_origin, o.margin, o.status
FROM oriented AS o
JOIN {prompts} AS p ON p.prompt_id = o.prompt_id
JOIN {responses} AS chosen ON chosen.response_id = o.chosen_response_id
JOIN {responses} AS rejected ON rejected.response_id = o.rejected_response_id
