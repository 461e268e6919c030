-- What became of a tenant's last sync, and when one last succeeded: written in the transaction that ends a run, so that
-- whoever watches 100,000 tenants need not read the history. Previews and runs for one person do not count.
CREATE TABLE IF NOT EXISTS `crm_tenant_health` (
  `tenant_id` BIGINT UNSIGNED NOT NULL,
  `run_id` BIGINT UNSIGNED NOT NULL,
  `status` VARCHAR(16) NOT NULL,
  `error_code` VARCHAR(32) NOT NULL DEFAULT '',
  `finished_at` DATETIME(6) NOT NULL,
  `failures` INT UNSIGNED NOT NULL DEFAULT 0,
  `success_at` DATETIME(6) NULL,
  `held` TINYINT NOT NULL DEFAULT 0,
  `conflicts` INT UNSIGNED NOT NULL DEFAULT 0,
  `skipped` INT UNSIGNED NOT NULL DEFAULT 0,
  PRIMARY KEY (`tenant_id`)
) ENGINE=InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_unicode_ci
