-- What the administrators of a tenant were told last about its runs, and whether they want to be told. told is the trouble
-- they know of ('': none), told_run the run that was told of, seen_at the end of the newest run that was judged: one that
-- ended before it has nothing to say any more. No row: nothing was ever told.
CREATE TABLE IF NOT EXISTS `booking_notices` (
  `tenant_id` BIGINT UNSIGNED NOT NULL,
  `enabled` TINYINT NOT NULL DEFAULT 1,
  `told` VARCHAR(32) NOT NULL DEFAULT '',
  `told_run` BIGINT UNSIGNED NULL,
  `seen_at` DATETIME(6) NULL,
  `updated_at` DATETIME(6) NOT NULL,
  PRIMARY KEY (`tenant_id`)
) ENGINE=InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_unicode_ci
