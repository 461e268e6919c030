-- The secret settings, each sealed with the host's key.
CREATE TABLE IF NOT EXISTS `crm_secrets` (
  `tenant_id` BIGINT UNSIGNED NOT NULL,
  `plugin` VARCHAR(64) NOT NULL,
  `field` VARCHAR(64) NOT NULL,
  `sealed` VARBINARY(8192) NOT NULL,
  `set_at` DATETIME(6) NOT NULL,
  PRIMARY KEY (`tenant_id`, `plugin`, `field`)
) ENGINE=InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_unicode_ci
