//! Every scenario of `cases/`, one test each. `UPDATE=1` writes the transcripts anew.

#![allow(clippy::unwrap_used)]

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

macro_rules! cases {
    ($($name:ident,)*) => {
        $(#[test] fn $name() { integrator_scenarios::play::file(stringify!($name)); })*

        const NAMES: &[&str] = &[$(stringify!($name)),*];
    };
}

cases! {
    a_changed_mapping_writes_exactly_what_follows,
    a_changed_rule_writes_exactly_what_follows,
    a_default_site_that_was_deleted_is_a_name_that_halo_lacks,
    a_deletion_can_be_concluded_at_once,
    a_deletion_whose_status_a_type_does_not_allow_is_reported,
    a_device_is_deleted_and_recovered,
    a_device_that_moves_to_another_tenant_is_one_machine,
    a_device_that_nobody_knows_is_an_error_of_usage,
    a_device_that_only_lists_leave_out_is_not_deleted,
    a_failed_run_does_not_count_as_an_absence,
    a_field_that_a_type_lacks_is_not_written_again_and_again,
    a_first_import_creates_each_device_once_with_explained_values,
    a_guard_refuses_mass_deletion,
    a_halo_without_times_of_modification_is_read_anew,
    a_kept_type_is_set_once_and_never_changed,
    a_licence_name_that_halo_cuts_is_not_created_again_and_again,
    a_licence_name_that_halo_refuses_fails_alone,
    a_licence_whose_creation_was_not_answered_is_not_created_twice,
    a_re_enrolled_device_takes_over_the_asset,
    a_retired_asset_is_recovered_for_the_device_that_takes_it_over,
    a_retired_asset_that_a_person_changed_is_not_recovered,
    a_row_that_halo_refuses_fails_alone,
    a_stale_plan_refuses_only_the_changed_record,
    a_status_that_a_type_does_not_allow_is_left_out_and_named_once,
    a_stored_plan_is_applied_exactly,
    a_stored_plan_of_organisations_is_applied_exactly,
    a_stored_plan_with_software_is_applied_exactly,
    a_tenant_is_added_to_those_that_a_client_has,
    a_tenant_named_by_its_domain_is_found_by_its_id,
    a_tenant_that_may_not_be_read_is_named_as_the_settings_say,
    a_tenant_without_a_client_gets_one_with_its_main_site,
    a_title_is_found_by_the_match_texts_of_a_licence,
    a_type_name_that_is_too_long_fails_alone,
    a_type_named_by_a_field_is_created_once,
    a_type_that_a_person_changed_is_set_again,
    a_type_that_differs_in_case_only_is_held,
    a_user_of_another_client_moves_nothing,
    a_user_who_arrives_in_halo_later_is_linked_at_the_next_run,
    a_walk_that_ends_early_concludes_nothing,
    a_warning_of_halo_is_shown,
    a_write_refused_because_of_software_is_repeated_without_it,
    an_asset_deleted_by_a_person_after_retirement_comes_back_anew,
    an_asset_in_stock_stays_there_where_halo_says_so,
    an_asset_that_a_person_moved_stays_there,
    an_asset_that_was_deleted_in_halo_is_matched_afresh,
    an_empty_source_keeps_or_clears,
    an_empty_source_refuses,
    an_empty_tenant_among_several_refuses,
    an_empty_tenant_imports_nothing_at_first,
    an_excluded_tenant_concludes_nothing,
    an_export_that_never_ends_is_replaced_once_and_then_stood_in_for,
    an_inactive_client_is_not_taken_and_not_doubled,
    an_unmatched_device_ends_without_users_on_request,
    assets_are_matched_by_intune_id_first,
    assets_are_matched_by_serial_number,
    assets_of_another_client_are_not_touched,
    assets_of_one_tenants_client_are_not_matched_by_anothers_devices,
    before_halo_2_214_software_is_matched_by_its_id_in_intune,
    by_id_nothing_stands_in_for_an_export,
    changes_of_users_in_entra_are_followed,
    clients_that_may_not_be_written_are_said_so,
    cut_and_trimmed_values_are_not_written_again_and_again,
    devices_that_only_defender_manages_are_excluded,
    devices_that_only_defender_manages_are_included_on_request,
    devices_that_two_pages_show_are_imported_once,
    each_write_policy_treats_an_edit_in_its_own_way,
    edits_within_the_second_of_the_last_reading_are_seen,
    every_form_of_an_export_says_the_same,
    halo_that_does_not_keep_intune_ids_is_matched_by_links,
    halo_that_does_not_keep_tenants_is_not_told_again_and_again,
    halo_that_hides_intune_ids_in_lists_is_served_all_the_same,
    halo_that_only_adds_users_is_not_written_again_and_again,
    halo_that_takes_no_arrays_is_written_row_by_row,
    halo_with_its_least_helpful_habits_is_served_all_the_same,
    installed_software_becomes_the_assets_software_with_a_licence_for_each_title,
    mappings_for_some_types_fill_only_these,
    matching_across_clients_takes_assets_of_other_clients,
    names_in_other_scripts_and_with_quotes_arrive_as_they_are,
    no_match_fields_and_no_statuses_are_needed,
    of_two_live_devices_with_one_serial_number_the_newest_counts,
    one_changed_device_writes_exactly_that,
    one_device_alone_concludes_nothing_about_others,
    one_tenant_that_cannot_be_read_ends_the_whole_run,
    placeholder_serial_numbers_never_match,
    registered_owners_that_cannot_be_read_end_the_run,
    several_candidates_hold_the_device,
    several_tenants_are_imported_in_one_run_each_to_its_client,
    software_that_halo_merges_is_not_written_again_and_again,
    statuses_that_are_not_set_are_never_written,
    tenants_are_matched_by_id_then_domain_then_name,
    the_registered_owner_needs_its_permission,
    the_site_mode_default,
    the_site_mode_user_on_create,
    the_site_mode_user_then_default,
    tiers_of_matching_are_tried_in_order,
    transforms_change_values_on_their_way,
    two_clients_of_one_tenant_are_not_guessed_between,
    two_connections_keep_their_assets_apart,
    two_live_devices_with_one_serial_number_are_held_on_request,
    two_users_with_one_identifier_are_not_guessed_between,
    users_are_linked_and_relinked,
    users_are_matched_by_email,
    users_are_matched_by_employee_id,
    users_are_matched_by_sam_account_name,
    users_are_matched_by_user_principal_name,
    users_of_each_tenant_lead_to_sites_of_its_own_client,
    users_of_registered_owners_are_linked,
    without_access_to_licences_devices_are_imported_all_the_same,
    without_creation_only_existing_assets_are_updated,
}

#[test]
fn every_file_of_the_folder_is_played() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("cases");
    let files: BTreeSet<String> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .map(|path| path.file_stem().unwrap().to_string_lossy().into_owned())
        .collect();
    assert_eq!(files, NAMES.iter().map(|name| (*name).to_owned()).collect());
}
