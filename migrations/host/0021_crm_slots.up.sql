-- What became of a slot: started (run_id is its run) or missed (every host was away and a
-- newer slot was due already). The primary key is what makes "one run per slot" true.
CREATE TABLE IF NOT EXISTS `crm_slots` (
  `tenant_id` BIGINT UNSIGNED NOT NULL,
  `task` VARCHAR(32) NOT NULL,
  `slot_at` DATETIME(6) NOT NULL,
  `status` VARCHAR(16) NOT NULL,
  `run_id` BIGINT UNSIGNED NULL,
  `created_at` DATETIME(6) NOT NULL,
  PRIMARY KEY (`tenant_id`, `task`, `slot_at`)
) ENGINE=InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_unicode_ci
