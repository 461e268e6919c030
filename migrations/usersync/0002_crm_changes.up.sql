-- One row per person that a run did something about, written in the transaction that did it.
CREATE TABLE IF NOT EXISTS `crm_changes` (
  `id` BIGINT UNSIGNED NOT NULL AUTO_INCREMENT,
  `run_id` BIGINT UNSIGNED NOT NULL,
  `tenant_id` BIGINT UNSIGNED NOT NULL,
  `user_id` BIGINT UNSIGNED NULL,
  `external_id` VARCHAR(255) NOT NULL,
  `action` VARCHAR(16) NOT NULL,
  `reason` VARCHAR(32) NOT NULL DEFAULT '',
  `field` VARCHAR(32) NOT NULL DEFAULT '',
  `other_external_id` VARCHAR(255) NOT NULL DEFAULT '',
  `other_user_id` BIGINT UNSIGNED NULL,
  `name` VARCHAR(255) NOT NULL DEFAULT '',
  `email` VARCHAR(255) NOT NULL DEFAULT '',
  `before_values` JSON NULL,
  `after_values` JSON NULL,
  `created_at` DATETIME(6) NOT NULL,
  PRIMARY KEY (`id`),
  KEY `crm_changes_run_id_id_index` (`run_id`, `id`),
  KEY `crm_changes_tenant_id_external_id_id_index` (`tenant_id`, `external_id`, `id`),
  KEY `crm_changes_tenant_id_user_id_id_index` (`tenant_id`, `user_id`, `id`)
) ENGINE=InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_unicode_ci
