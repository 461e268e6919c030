-- When a tenant's people are synced. Empty texts stand for the host's defaults. slot_at is
-- the next slot and next_at when it starts (the spread comes on top), both in UTC; NULL
-- next_at: nobody has looked yet, or the schedule is off. revision changes with every
-- change by a person, so that a host which planned by the old one does not overwrite it.
CREATE TABLE IF NOT EXISTS `crm_schedules` (
  `tenant_id` BIGINT UNSIGNED NOT NULL,
  `rule` VARCHAR(64) NOT NULL DEFAULT '',
  `zone` VARCHAR(64) NOT NULL DEFAULT '',
  `quiet` VARCHAR(16) NOT NULL DEFAULT '',
  `enabled` TINYINT NOT NULL DEFAULT 1,
  `revision` INT UNSIGNED NOT NULL DEFAULT 0,
  `slot_at` DATETIME(6) NULL,
  `next_at` DATETIME(6) NULL,
  `updated_at` DATETIME(6) NOT NULL,
  PRIMARY KEY (`tenant_id`),
  KEY `crm_schedules_enabled_next_at_index` (`enabled`, `next_at`)
) ENGINE=InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_unicode_ci
