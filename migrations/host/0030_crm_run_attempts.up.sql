-- The attempts of a run that ended before the run did: its host was lost or handed it
-- back. The last attempt is the run's own row, so most runs have none here.
CREATE TABLE IF NOT EXISTS `crm_run_attempts` (
  `run_id` BIGINT UNSIGNED NOT NULL,
  `attempt` INT UNSIGNED NOT NULL,
  `host` VARCHAR(255) NOT NULL,
  `started_at` DATETIME(6) NULL,
  `ended_at` DATETIME(6) NULL,
  `reason` VARCHAR(16) NOT NULL,
  PRIMARY KEY (`run_id`, `attempt`)
) ENGINE=InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_unicode_ci
