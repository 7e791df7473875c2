-- The role a comparison has now: that of the latest iteration which gave it one.
SELECT campaign, comparison_id, latest.iteration, latest.role, latest.side, latest.fold
FROM (
  SELECT campaign, comparison_id, max_by(struct(iteration, role, side, fold), iteration) AS latest
  FROM {roles}
  GROUP BY campaign, comparison_id
)
