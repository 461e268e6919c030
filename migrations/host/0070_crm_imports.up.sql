-- Connections that are as an import from an older server left them: a later import may
-- bring them up to date, while what people have changed here stays. saved_at is
-- crm_connections.updated_at of that moment.
CREATE TABLE IF NOT EXISTS `crm_imports` (
  `tenant_id` BIGINT UNSIGNED NOT NULL,
  `plugin` VARCHAR(64) NOT NULL,
  `saved_at` DATETIME(6) NOT NULL,
  PRIMARY KEY (`tenant_id`)
) ENGINE=InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_unicode_ci
