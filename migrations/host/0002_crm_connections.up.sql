-- Which plugin serves a tenant, and its settings but the secret ones. links_portal is the
-- portal that the tenant's links came from: ids of two portals mean different people.
CREATE TABLE IF NOT EXISTS `crm_connections` (
  `tenant_id` BIGINT UNSIGNED NOT NULL,
  `plugin` VARCHAR(64) NOT NULL,
  `enabled` TINYINT NOT NULL DEFAULT 1,
  `portal` VARCHAR(255) NOT NULL DEFAULT '',
  `links_portal` VARCHAR(255) NOT NULL DEFAULT '',
  `settings` JSON NOT NULL,
  `created_at` DATETIME(6) NOT NULL,
  `updated_at` DATETIME(6) NOT NULL,
  PRIMARY KEY (`tenant_id`)
) ENGINE=InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_unicode_ci
