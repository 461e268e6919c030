-- Where a run stands and whether somebody asked it to stop, for whoever looks from whichever process. It is no part of
-- crm_runs because the row there is locked by each chunk that is being written, and neither waits for the other here.
CREATE TABLE IF NOT EXISTS `crm_run_progress` (
  `run_id` BIGINT UNSIGNED NOT NULL,
  `requested_by` BIGINT UNSIGNED NULL,
  `cancel_requested` TINYINT NOT NULL DEFAULT 0,
  `stage` VARCHAR(16) NOT NULL DEFAULT '',
  `done` BIGINT UNSIGNED NOT NULL DEFAULT 0,
  `total` BIGINT UNSIGNED NOT NULL DEFAULT 0,
  `requests` INT UNSIGNED NOT NULL DEFAULT 0,
  `limited_until` DATETIME(6) NULL,
  PRIMARY KEY (`run_id`)
) ENGINE=InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_unicode_ci
